// Finds the tfjs-node package whose kernels, binding sources and install script this package works with.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";

/** The package's name: its CPU twin differs only in its install script. */
export const TFJS_PACKAGE = "@tensorflow/tfjs-node-gpu";

/** Folder of the installed `@tensorflow/tfjs-node-gpu`, as seen from `from` (a file or its URL; default: this package), or undefined. */
export function findTfjsPackage(from: string | URL = import.meta.url): string | undefined {
  try {
    const manifest = createRequire(from).resolve(`${TFJS_PACKAGE}/package.json`);
    return existsSync(manifest) ? dirname(manifest) : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}
