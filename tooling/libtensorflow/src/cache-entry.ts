// Fills one entry of the cache so that it is seen whole or not at all: staged beside it, flushed, renamed.
import { mkdir, open, readdir, rename, rm, statfs, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ConfigError, LongcotError } from "@longcot/errors";
import { withInstallLock } from "./install-lock.ts";
import { type LibtensorflowLocation, locateInEntry } from "./locate.ts";
import { MANIFEST, type Manifest } from "./manifest.ts";
import { megabytes, type Narrator } from "./narrator.ts";

/** One entry to fill, and by what means. */
export interface EntryFilling {
  /** Folder of the cache; made if missing. */
  root: string;
  /** Name of the entry in `root`. */
  name: string;
  /** Free disk space that filling takes at its peak. */
  peakBytes: number;
  narrator: Narrator;
  signal?: AbortSignal;
  /**
   * Puts the entry's content into `unpacked` (empty) and says what it is. May keep finished `*.whl` files in `staging` for the
   * next attempt: they outlive a failure, all else there does not.
   */
  fill(staging: string, unpacked: string): Promise<Manifest>;
}

/**
 * The library of the entry, filled by this process or, meanwhile, by another one.
 *
 * @throws ConfigError when the cache cannot be written or the disk is too full; whatever `fill` throws.
 */
export async function fillCacheEntry(filling: EntryFilling): Promise<LibtensorflowLocation> {
  const { root, name, narrator, signal } = filling;
  const entry = join(root, name);
  await makeCache(root);
  const onWait = (holder: string): void => narrator.say(`${holder} is installing the same library; waiting for it`);
  return withInstallLock(join(root, `.${name}.lock`), { onWait, ...(signal && { signal }) }, async () => {
    const made = locateInEntry(entry);
    if (made !== undefined) return made;
    const staging = join(root, `.${name}.partial`);
    const unpacked = join(staging, "unpacked");
    await cleanStaging(staging);
    try {
      await mkdir(unpacked, { recursive: true });
      await checkFreeSpace(staging, filling.peakBytes);
      const manifest = await filling.fill(staging, unpacked);
      await writeFile(join(unpacked, MANIFEST), `${JSON.stringify(manifest, undefined, 2)}\n`, { flush: true });
      signal?.throwIfAborted();
      await rm(entry, { recursive: true, force: true });
      await rename(unpacked, entry);
      await flushFolder(dirname(entry));
    } catch (error) {
      await cleanStaging(staging);
      throw error;
    }
    await rm(staging, { recursive: true, force: true });
    const location = locateInEntry(entry);
    if (location === undefined)
      throw new LongcotError({ who: "internal: fillCacheEntry", expected: "a complete entry", received: `an incomplete one at ${entry}` });
    return location;
  });
}

async function makeCache(root: string): Promise<void> {
  try {
    await mkdir(root, { recursive: true });
  } catch (cause) {
    throw new ConfigError({
      who: "libtensorflow",
      argument: "the cache folder",
      expected: "writable",
      received: `${root} (${(cause as NodeJS.ErrnoException).code})`,
      fix: "Set XDG_CACHE_HOME to a folder of yours",
      cause,
    });
  }
}

/** Removes all but finished downloads; the folder itself too where there are none. */
async function cleanStaging(staging: string): Promise<void> {
  const names = await readdir(staging).catch(() => [] as string[]);
  const kept = names.filter((name) => name.endsWith(".whl"));
  if (kept.length === 0) return rm(staging, { recursive: true, force: true });
  for (const name of names) if (!kept.includes(name)) await rm(join(staging, name), { recursive: true, force: true });
}

async function checkFreeSpace(folder: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= neededBytes) return;
  throw new ConfigError({
    who: "libtensorflow",
    argument: "the cache's disk",
    expected: `free by ${megabytes(neededBytes)} MB`,
    received: `${megabytes(bavail * bsize)} MB in ${dirname(folder)}`,
    fix: "Make room, or set XDG_CACHE_HOME to a larger disk",
  });
}

async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
