// Installs the library that tfjs-node's own install script downloads: an older TensorFlow (2.9, CPU) from its vendor's host.
import { spawn } from "node:child_process";
import { cp, mkdir, readdir, realpath, rename, stat, symlink } from "node:fs/promises";
import { join } from "node:path";
import { LongcotError } from "@longcot/errors";
import { fillCacheEntry } from "./cache-entry.ts";
import { cacheEntryName } from "./cache-folder.ts";
import type { Environment } from "./host.ts";
import type { LibtensorflowLocation } from "./locate.ts";
import type { Manifest } from "./manifest.ts";
import type { Narrator } from "./narrator.ts";
import { libraryNames, PACKAGE_INSTALLER_ENTRY } from "./release.ts";

/** Largest of its archives unpacked, with room. */
const PEAK_BYTES = 1_500_000_000;
/** The script has no time limit of its own; a host that is firewalled never answers. */
const SILENCE_MS = 45_000;
const POLL_MS = 1000;

/** What the step needs to know. */
export interface PackageInstall {
  /** Folder of `@tensorflow/tfjs-node-gpu` (or `tfjs-node`). */
  packageFolder: string;
  /** Folder of the cache. */
  root: string;
  environment: Environment;
  narrator: Narrator;
  signal?: AbortSignal;
  silenceMs?: number;
}

/**
 * The library as tfjs-node's script downloads it. The script runs in a copy of its package, so that `node_modules` stays as
 * installed. It publishes no checksum, so none is checked beyond what HTTPS gives.
 *
 * @throws LongcotError where the script brings no library.
 */
export async function installWithPackageScript(install: PackageInstall): Promise<LibtensorflowLocation> {
  const { root, narrator, signal } = install;
  return fillCacheEntry({
    root,
    name: cacheEntryName(PACKAGE_INSTALLER_ENTRY, "cpu"),
    peakBytes: PEAK_BYTES,
    narrator,
    ...(signal && { signal }),
    async fill(staging, unpacked) {
      const copy = join(staging, "package");
      const original = await realpath(install.packageFolder);
      await mkdir(copy);
      await cp(join(original, "package.json"), join(copy, "package.json"));
      await cp(join(original, "scripts"), join(copy, "scripts"), { recursive: true });
      // The script's own dependencies lie beside the package in every layout of node_modules.
      await symlink(join(original, "..", ".."), join(copy, "node_modules"), "dir");
      const complaint = await runScript(install, copy);
      return adoptLibraries(join(copy, "deps"), unpacked, complaint);
    },
  });
}

/** Runs the script to its end and returns what it complained about. Its last part, fetching a binding, may fail: that is not needed. */
function runScript({ environment, signal, silenceMs = SILENCE_MS }: PackageInstall, folder: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = spawn(process.execPath, [join("scripts", "install.js"), "cpu", "download"], {
    cwd: folder,
    env: { ...environment },
    stdio: ["ignore", "ignore", "pipe"],
    ...(signal && { signal }),
  });
  let complaints = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (complaints = (complaints + text).slice(-8192)));
  let knownBytes = -1;
  let changedMs = performance.now();
  const watch = setInterval(() => {
    void folderBytes(join(folder, "deps")).then((bytes) => {
      if (bytes !== knownBytes) changedMs = performance.now();
      knownBytes = bytes;
      if (performance.now() - changedMs > silenceMs) {
        complaints += `\nError: nothing arrived for ${silenceMs / 1000} s`;
        child.kill();
      }
    });
  }, POLL_MS);
  child.on("error", reject);
  child.on("close", () => {
    clearInterval(watch);
    const lines = complaints.split("\n").filter((line) => line.trim() !== "");
    resolve(lines.findLast((line) => /error:/i.test(line)) ?? lines.at(-1) ?? "no message");
  });
  return promise.finally(() => clearInterval(watch));
}

async function folderBytes(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder, { recursive: true }).catch(() => []))
    bytes += await stat(join(folder, name)).then(
      (entry) => entry.size,
      () => 0,
    );
  return bytes;
}

/** Moves the script's `lib` and `include` to where a wheel's content would be, under the wheel's names. */
async function adoptLibraries(deps: string, unpacked: string, complaint: string): Promise<Manifest> {
  const names = libraryNames();
  const present = await readdir(join(deps, "lib")).catch(() => [] as string[]);
  const versioned = present
    .map((name) => /^libtensorflow\.(?:so\.)?(\d+\.\d+\.\d+)(?:\.dylib)?$/.exec(name))
    .find((match) => match !== null);
  const framework = present.find(
    (name) => versioned !== undefined && name === versioned[0].replace("libtensorflow", "libtensorflow_framework"),
  );
  if (versioned === undefined || framework === undefined) {
    throw new LongcotError({
      who: "tfjs-node's install script",
      expected: "libtensorflow and libtensorflow_framework",
      received: present.length > 0 ? present.join(", ") : complaint.trim(),
    });
  }
  const folder = join(unpacked, "tensorflow");
  await mkdir(folder);
  await rename(join(deps, "lib", versioned[0]), join(folder, names.cc));
  await rename(join(deps, "lib", framework), join(folder, names.framework));
  await rename(join(deps, "include"), join(folder, "include"));
  const libraries: Record<string, number> = {};
  for (const name of [names.cc, names.framework]) libraries[name] = (await stat(join(folder, name))).size;
  return { version: versioned[1]!, variant: "cpu", origin: { name: versioned[0] }, libraries };
}
