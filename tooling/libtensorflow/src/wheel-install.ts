// Installs the library from TensorFlow's Python wheel.
import { readdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { ConfigError, isLongcotError } from "@longcot/errors";
import { fillCacheEntry } from "./cache-entry.ts";
import { cacheEntryName } from "./cache-folder.ts";
import { type Environment, systemLibc } from "./host.ts";
import type { LibtensorflowLocation } from "./locate.ts";
import { megabytes, type Narrator } from "./narrator.ts";
import type { Wheel } from "./release.ts";
import { wheelClients } from "./wheel-client.ts";
import { checkWheel, downloadWheel } from "./wheel-download.ts";
import { unpackWheel } from "./wheel-unpack.ts";

/** What the step needs to know. */
export interface WheelInstall {
  wheel: Wheel;
  /** Folder of the cache. */
  root: string;
  environment: Environment;
  narrator: Narrator;
  signal?: AbortSignal;
}

/**
 * The library of `wheel`, downloaded, checked and unpacked into the cache; a download that an earlier attempt finished is used.
 *
 * @throws LongcotError where this machine cannot have it, with the reason.
 */
export async function installWheel(install: WheelInstall): Promise<LibtensorflowLocation> {
  const { wheel, root, narrator, signal } = install;
  if (systemLibc() === "musl")
    throw new ConfigError({ who: "the wheel", argument: "the system's C library", expected: "glibc 2.27 or newer", received: "musl" });
  return fillCacheEntry({
    root,
    name: cacheEntryName(wheel.version, wheel.variant),
    // pip assembles the file before it copies it to its destination.
    peakBytes: Math.max(2 * wheel.bytes, wheel.bytes + wheel.unpackedBytes),
    narrator,
    ...(signal && { signal }),
    async fill(staging, unpacked) {
      const file = (await finishedDownload(install, staging)) ?? (await download(install, staging));
      narrator.say(`unpacking ${basename(file)}`);
      const libraries = await unpackWheel(file, unpacked, narrator, signal);
      return { version: wheel.version, variant: wheel.variant, origin: { name: basename(file), sha256: wheel.sha256 }, libraries };
    },
  });
}

async function finishedDownload({ wheel, narrator, signal }: WheelInstall, staging: string): Promise<string | undefined> {
  for (const name of await readdir(staging)) {
    if (!name.endsWith(".whl")) continue;
    const file = join(staging, name);
    try {
      await checkWheel(file, wheel, signal);
      narrator.say(`going on with the download of an earlier attempt, ${name}`);
      return file;
    } catch (error) {
      if (!isLongcotError(error)) throw error;
      narrator.say(`${error.message}; deleting the earlier download`);
      await rm(file);
    }
  }
  return undefined;
}

async function download({ wheel, environment, narrator, signal }: WheelInstall, staging: string): Promise<string> {
  const clients = await wheelClients(environment, signal);
  let failure: unknown = new ConfigError({
    who: "the wheel",
    expected: "pip (`python3 -m pip`, `pip3`, `pip`) or uv on PATH",
    received: "none that answers",
    fix: "Install Python's pip or uv and run the installation again",
  });
  for (const client of clients) {
    narrator.say(
      `downloading ${wheel.package} ${wheel.version} for ${wheel.platformTag} (${megabytes(wheel.bytes)} MB) with ${client.name}`,
    );
    try {
      return await downloadWheel({ wheel, client, staging, environment, narrator, ...(signal && { signal }) });
    } catch (error) {
      signal?.throwIfAborted();
      if (!isLongcotError(error)) throw error;
      failure = error;
      if (client !== clients.at(-1)) narrator.say(error.message);
    }
  }
  throw failure;
}
