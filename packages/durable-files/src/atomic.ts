// Files and folders that appear whole or not at all: written aside in the same folder, flushed to the disk, renamed into place.
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { DataError } from "@longcot/errors";

/** Prefix of names still being written; {@link removeLeftovers} clears them. */
const ASIDE = ".aside-";

/**
 * Makes the file `path` of what `fill(aside)` writes to the path it is given, replacing an older one in a single move, and returns what `fill` returned.
 * A reader, or a restart after a crash at any moment, finds the old file, no file, or the whole new one.
 *
 * @throws what `fill` throws, and the file system's own errors (no space, no permission); nothing has changed then.
 */
export async function atomicFile<T>(path: string, fill: (aside: string) => Promise<T> | T): Promise<T> {
  const aside = fileAside(path);
  rmSync(aside, { force: true });
  try {
    const result = await fill(aside);
    putInPlace(aside, path);
    return result;
  } catch (error) {
    rmSync(aside, { force: true });
    throw error;
  }
}

/** Writes `content`, whole or piece by piece, to `path` as {@link atomicFile} does, without giving up the thread. */
export function atomicWrite(path: string, content: string | Uint8Array | Iterable<string | Uint8Array>): void {
  const aside = fileAside(path);
  const pieces = typeof content === "string" || content instanceof Uint8Array ? [content] : content;
  try {
    const fd = openSync(aside, "w");
    try {
      for (const piece of pieces) writeWhole(fd, piece);
    } finally {
      closeSync(fd);
    }
    putInPlace(aside, path);
  } catch (error) {
    rmSync(aside, { force: true });
    throw error;
  }
}

/**
 * Makes the folder `path` with what `fill(aside)` writes into the empty folder `aside`, and returns what `fill` returned. Parents are made as needed.
 * What a killed process left of the same folder is replaced.
 *
 * @throws DataError where `path` is there and not an empty folder, before `fill` is called; what `fill` throws. Nothing is left behind then.
 */
export async function atomicFolder<T>(path: string, fill: (aside: string) => Promise<T> | T): Promise<T> {
  const target = resolve(path);
  checkAbsentOrEmpty(target);
  const aside = asideOf(target);
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(aside, { recursive: true });
  try {
    const result = await fill(aside);
    syncTree(aside);
    renameSync(aside, target);
    syncFolder(dirname(target));
    return result;
  } catch (error) {
    rmSync(aside, { recursive: true, force: true });
    throw error;
  }
}

/** Points the symbolic link `path` to `target` in a single move. */
export function atomicLink(path: string, target: string): void {
  const aside = asideOf(path);
  rmSync(aside, { force: true });
  symlinkSync(target, aside);
  renameSync(aside, path);
  syncFolder(dirname(path));
}

/** Removes a folder so that no reader ever sees a part of it under its own name. */
export function atomicRemove(path: string): void {
  const aside = asideOf(path);
  rmSync(aside, { recursive: true, force: true });
  renameSync(path, aside);
  rmSync(aside, { recursive: true, force: true });
}

/** Deletes what killed processes left half-written in `folder`, when nobody writes there; no folder is no matter. */
export function removeLeftovers(folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) if (name.startsWith(ASIDE)) rmSync(join(folder, name), { recursive: true, force: true });
}

/** Writes all of `piece` at the end of `fd`. */
export function writeWhole(fd: number, piece: string | Uint8Array): void {
  const bytes = typeof piece === "string" ? Buffer.from(piece) : piece;
  for (let written = 0; written < bytes.length;) written += writeSync(fd, bytes, written);
}

function asideOf(path: string): string {
  return join(dirname(path), `${ASIDE}${basename(path)}`);
}

/** Of this process alone: of two that write the same file, the last to end wins, and neither writes into the other's. */
function fileAside(path: string): string {
  return join(dirname(path), `${ASIDE}${process.pid}-${basename(path)}`);
}

function putInPlace(aside: string, path: string): void {
  syncPath(aside, "r+");
  renameSync(aside, path);
  syncFolder(dirname(path));
}

function checkAbsentOrEmpty(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  const received = found.isDirectory() ? readdirSync(path).length : "a file";
  if (received === 0) return;
  throw new DataError({
    who: path,
    expected: "a new or empty folder",
    received: typeof received === "string" ? received : `a folder of ${received} entries`,
    fix: "Choose another name or remove it",
  });
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
