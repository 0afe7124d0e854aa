// One installer at a time for one cache entry: the others wait and then use its result.
import { type FileHandle, link, open, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

const HEARTBEAT_MS = 5000;
/** A holder that has not touched its lock for this long is gone (or on a machine that is). */
const ABANDONED_MS = 60_000;
const RETRY_MS = 250;

interface Holder {
  pid: number;
  host: string;
}

/** How to wait for a lock. */
export interface LockOptions {
  /** Called once, when another process holds it. */
  onWait(holder: string): void;
  signal?: AbortSignal;
}

/**
 * Runs `work` while holding the lock file at `path`. A lock whose process has ended is taken over. What the lock guards
 * must still be made visible by a rename: a lock on a network file system is a courtesy, not a proof.
 */
export async function withInstallLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  let waited = false;
  let handle = await tryCreate(path);
  while (handle === undefined) {
    options.signal?.throwIfAborted();
    const holder = await readHolder(path);
    if (holder !== undefined && (await isAbandoned(path, holder))) await takeAway(path, holder);
    else {
      if (holder !== undefined && !waited) options.onWait(`process ${holder.pid}${holder.host === hostname() ? "" : ` on ${holder.host}`}`);
      waited ||= holder !== undefined;
      await sleep(RETRY_MS);
    }
    handle = await tryCreate(path);
  }
  const heartbeat = setInterval(() => {
    const now = new Date();
    // A lock taken away by mistake is no reason to stop: the rename decides.
    utimes(path, now, now).catch(() => undefined);
  }, HEARTBEAT_MS);
  heartbeat.unref();
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    await handle.close();
    await rm(path, { force: true });
  }
}

async function tryCreate(path: string): Promise<FileHandle | undefined> {
  try {
    const handle = await open(path, "wx");
    await handle.writeFile(JSON.stringify({ pid: process.pid, host: hostname() } satisfies Holder));
    return handle;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return undefined;
    throw error;
  }
}

/** Undefined where the lock has just gone or is just being written. */
async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Holder;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    if (error instanceof SyntaxError) return (await ageMs(path)) > ABANDONED_MS ? { pid: -1, host: hostname() } : undefined;
    throw error;
  }
}

async function isAbandoned(path: string, holder: Holder): Promise<boolean> {
  if ((await ageMs(path)) > ABANDONED_MS) return true;
  return holder.host === hostname() && !isRunning(holder.pid);
}

async function ageMs(path: string): Promise<number> {
  try {
    return Date.now() - (await stat(path)).mtimeMs;
  } catch {
    return 0;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** By rename, so that of two waiters who both saw it abandoned only one removes it; a newer lock taken by mistake is put back. */
async function takeAway(path: string, abandoned: Holder): Promise<void> {
  const aside = `${path}.${process.pid}.abandoned`;
  try {
    await rename(path, aside);
    const taken = await readHolder(aside);
    if (taken !== undefined && taken.pid !== abandoned.pid) await link(aside, path);
    await rm(aside, { force: true });
  } catch (error) {
    if (!["ENOENT", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}
