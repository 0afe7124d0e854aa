// Files and folders that appear whole or not at all: written aside in the same folder, fsynced, renamed into place.
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** Prefix of names still being written; {@link removeLeftovers} clears them. */
const ASIDE = ".aside-";

/** Writes `data` to `path`, replacing what was there; a reader sees the old content or the new, never a part. */
export function atomicWrite(path: string, data: string | Uint8Array): void {
  const aside = asideOf(path);
  const fd = openSync(aside, "w");
  try {
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    for (let written = 0; written < bytes.length;) written += writeSync(fd, bytes, written);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(aside, path);
  syncFolder(dirname(path));
}

/**
 * Makes the folder `path` with what `fill(aside)` writes into the empty folder `aside`, and returns what `fill` returned.
 * If `fill` throws, nothing is left behind. `path` must not exist, or be an empty folder.
 */
export async function atomicFolder<T>(path: string, fill: (aside: string) => Promise<T> | T): Promise<T> {
  const aside = asideOf(path);
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(aside, { recursive: true });
  try {
    const result = await fill(aside);
    syncTree(aside);
    renameSync(aside, path);
    syncFolder(dirname(path));
    return result;
  } catch (error) {
    rmSync(aside, { recursive: true, force: true });
    throw error;
  }
}

/** Removes a folder so that no reader ever sees a part of it under its own name. */
export function atomicRemove(path: string): void {
  const aside = asideOf(path);
  renameSync(path, aside);
  rmSync(aside, { recursive: true, force: true });
}

/** Deletes what a killed process left half-written in `folder`, by this file's name or by that of packages (`.tmp`); no folder is no matter. */
export function removeLeftovers(folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    if (name.startsWith(ASIDE) || name.endsWith(".tmp")) rmSync(join(folder, name), { recursive: true, force: true });
  }
}

function asideOf(path: string): string {
  return join(dirname(path), `${ASIDE}${basename(path)}`);
}

function syncTree(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) syncTree(path);
    else if (entry.isFile()) syncPath(path, "r+");
  }
  syncFolder(folder);
}

function syncFolder(folder: string): void {
  // Windows cannot open a folder; renames there are journalled by the file system.
  if (process.platform !== "win32") syncPath(folder, "r");
}

function syncPath(path: string, flags: string): void {
  const fd = openSync(path, flags);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
