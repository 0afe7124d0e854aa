// The file that makes a cache entry complete: it is written last, and says what lies there.
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Variant } from "./release.ts";

export const MANIFEST = "manifest.json";

/** What a cache entry holds. */
export interface Manifest {
  version: string;
  variant: Variant;
  /** What it was unpacked from, with its SHA-256 where that was checked. */
  origin: { name: string; sha256?: string };
  /** Sizes in bytes of the two libraries, by file name. */
  libraries: Record<string, number>;
}

/** The manifest of a cache entry, or undefined where the entry is missing or its libraries are not the size they were unpacked with. */
export function readCompleteManifest(entry: string): Manifest | undefined {
  let manifest: Manifest;
  try {
    manifest = JSON.parse(readFileSync(join(entry, MANIFEST), "utf8")) as Manifest;
    for (const [name, bytes] of Object.entries(manifest.libraries))
      if (statSync(join(entry, "tensorflow", name)).size !== bytes) return undefined;
  } catch {
    return undefined;
  }
  return manifest;
}
