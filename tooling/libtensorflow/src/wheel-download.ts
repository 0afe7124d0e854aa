// Fetches one wheel file with the machine's own package client, watches it grow, and checks its hash.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { DataError, LongcotError } from "@longcot/errors";
import type { Environment } from "./host.ts";
import type { Narrator } from "./narrator.ts";
import type { Wheel } from "./release.ts";
import { downloadArguments, type WheelClient } from "./wheel-client.ts";

const POLL_MS = 250;
const READ_BYTES = 1 << 20;

/** Where and how a wheel is fetched. */
export interface WheelDownload {
  wheel: Wheel;
  client: WheelClient;
  /** Exists; the finished file appears here, everything unfinished below its `downloading/`. */
  staging: string;
  environment: Environment;
  narrator: Narrator;
  signal?: AbortSignal;
}

/**
 * Path of the wheel in `staging`, complete and with the right hash.
 *
 * @throws LongcotError when the client fails; DataError when the file it brings has another hash (the file is deleted).
 */
export async function downloadWheel(download: WheelDownload): Promise<string> {
  const { wheel, client, staging, signal } = download;
  const downloading = join(staging, "downloading");
  const destination = join(downloading, "destination");
  const temporary = join(downloading, "temporary");
  await rm(downloading, { recursive: true, force: true });
  await mkdir(destination, { recursive: true });
  await mkdir(temporary);
  try {
    const stopWatching = watchGrowth(download, downloading);
    try {
      await runClient(download, destination, temporary);
    } finally {
      stopWatching();
    }
    const file = (await readdir(destination)).find((name) => name.endsWith(".whl"));
    if (file === undefined)
      throw new LongcotError({ who: client.name, expected: `a wheel of ${wheel.package} ${wheel.version}`, received: "no file" });
    await checkWheel(join(destination, file), wheel, signal);
    const finished = join(staging, file);
    await rename(join(destination, file), finished);
    return finished;
  } finally {
    await rm(downloading, { recursive: true, force: true });
  }
}

/**
 * Returns only for the pinned file.
 *
 * @throws DataError for any other content.
 */
export async function checkWheel(file: string, wheel: Wheel, signal?: AbortSignal): Promise<void> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file, { highWaterMark: READ_BYTES }), hash, { ...(signal && { signal }) });
  const received = hash.digest("hex");
  if (received === wheel.sha256) return;
  throw new DataError({
    who: "libtensorflow",
    argument: `the wheel of ${wheel.package} ${wheel.version} for ${wheel.platformTag}`,
    expected: `the file with SHA-256 ${wheel.sha256}`,
    received,
    fix: "The package index serves another file: check the index that pip is set up with",
  });
}

function runClient(download: WheelDownload, destination: string, temporary: string): Promise<void> {
  const { client, wheel, environment, signal } = download;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const child = spawn(client.file, downloadArguments(client, wheel, destination), {
    // Downloads grow in TMPDIR: beside the cache, so that they can be watched, fit the disk and vanish with the staging folder.
    env: { ...environment, TMPDIR: temporary, PIP_RESUME_RETRIES: environment.PIP_RESUME_RETRIES ?? "5" },
    stdio: ["ignore", "ignore", "pipe"],
    ...(signal && { signal }),
  });
  let complaints = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (complaints = (complaints + text).slice(-8192)));
  child.on("error", reject);
  child.on("close", (code, killedBy) => {
    if (code === 0) return resolve();
    reject(
      new LongcotError({
        who: client.name,
        expected: `a download of ${wheel.package} ${wheel.version}`,
        received: lastComplaint(complaints) ?? (killedBy === null ? `exit status ${code}` : `signal ${killedBy}`),
      }),
    );
  });
  return promise;
}

/** The last line that states an error, without addresses of indexes (they may carry credentials). */
function lastComplaint(text: string): string | undefined {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const line = lines.findLast((candidate) => /error:/i.test(candidate)) ?? lines.at(-1);
  return line?.trim().replaceAll(/\bhttps?:\/\/\S+/g, "<index>");
}

function watchGrowth({ wheel, narrator }: WheelDownload, folder: string): () => void {
  let stopped = false;
  const timer = setInterval(() => {
    void largestWheel(folder).then((bytes) => {
      if (!stopped && bytes > 0) narrator.progress("download", bytes, wheel.bytes);
    });
  }, POLL_MS);
  return () => {
    stopped = true;
    clearInterval(timer);
  };
}

async function largestWheel(folder: string): Promise<number> {
  let largest = 0;
  // Files come and go while pip works: what has just gone counts as nothing.
  for (const name of await readdir(folder, { recursive: true }).catch(() => [])) {
    if (name.endsWith(".whl"))
      largest = Math.max(
        largest,
        await stat(join(folder, name)).then(
          (entry) => entry.size,
          () => 0,
        ),
      );
  }
  return largest;
}
