// Writing so that a file or folder appears whole or not at all: aside under a `.partial` name, flushed to disk, then renamed.
// One writer per path: two at once would share the partial name. What a killed process left there is replaced by the next write.
import { mkdir, open, readdir, rename, rm, type FileHandle } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { DataError } from "@longcot/errors";

/** Suffix of what is being written; nothing with this suffix is ever complete. */
export const PARTIAL_SUFFIX = ".partial";

/** Makes the file `path` of what `fill` writes, replacing an older one in a single step. Where `fill` throws, nothing changes. */
export async function writeFileAtomically(path: string, fill: (file: FileHandle) => Promise<void>): Promise<void> {
  const partial = `${path}${PARTIAL_SUFFIX}`;
  try {
    const file = await open(partial, "w");
    try {
      await fill(file);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
}

/**
 * Makes the folder `path` of what `fill` writes into the folder it is given. Where `fill` throws, nothing changes.
 * Parents are made as needed. Files that `fill` writes must be flushed by it.
 * @throws DataError where `path` exists already and is not an empty folder; nothing is written then.
 */
export async function writeDirectoryAtomically(path: string, fill: (directory: string) => Promise<void>): Promise<void> {
  const target = resolve(path);
  await checkAbsentOrEmpty(target);
  const partial = join(dirname(target), `.${basename(target)}${PARTIAL_SUFFIX}`);
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  try {
    await fill(partial);
    await syncDirectory(partial);
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
  await syncDirectory(dirname(target));
}

async function checkAbsentOrEmpty(path: string): Promise<void> {
  let entries: string[];
  try {
    entries = await readdir(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") return;
    if (code === "ENOTDIR")
      throw new DataError({
        who: path,
        expected: "a new or empty folder",
        received: "a file",
        cause,
      });
    throw cause;
  }
  if (entries.length > 0) {
    throw new DataError({
      who: path,
      expected: "a new or empty folder",
      received: `a folder of ${entries.length} entries`,
      fix: "Choose another name or remove it",
    });
  }
}

/** Flushes a folder's entries, so that a rename survives a power cut. Windows cannot open folders and has no need to. */
async function syncDirectory(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
