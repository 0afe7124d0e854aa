import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createFakeMachine, type FakeMachine } from "../fixtures/fake-machine.ts";
import { FAKE_FILES, writeFakeWheel } from "../fixtures/fake-wheel.ts";
import { cacheEntryName } from "./cache-folder.ts";
import { locateInEntry } from "./locate.ts";
import type { Narrator } from "./narrator.ts";
import { libraryNames, type Wheel } from "./release.ts";
import { installWheel } from "./wheel-install.ts";

const names = libraryNames();
let machine: FakeMachine;
let wheelFile: string;
let wheel: Wheel;
let entry: string;
let said: string[];
const narrator: Narrator = { say: (sentence) => void said.push(sentence), progress: () => undefined };

beforeEach(() => {
  machine = createFakeMachine();
  wheelFile = join(machine.home, "served.whl");
  wheel = writeFakeWheel(wheelFile);
  entry = join(machine.root, cacheEntryName(wheel.version, "cpu"));
  said = [];
});
afterEach(() => machine.remove());

const install = () => installWheel({ wheel, root: machine.root, environment: machine.environment, narrator });
const staging = () => join(machine.root, `.${cacheEntryName(wheel.version, "cpu")}.partial`);
const lock = () => join(machine.root, `.${cacheEntryName(wheel.version, "cpu")}.lock`);

test("a fresh installation keeps the libraries and the C headers, and nothing else", async () => {
  machine.addPip({ wheel: wheelFile });
  const location = await install();
  expect(location).toEqual({
    folder: join(entry, "tensorflow"),
    ccLibrary: join(entry, "tensorflow", names.cc),
    frameworkLibrary: join(entry, "tensorflow", names.framework),
    version: "9.9.9",
    variant: "cpu",
    source: "cache",
  });
  const onDisk = Object.keys(FAKE_FILES).filter((name) => existsSync(join(entry, name)));
  const kept = Object.fromEntries(Object.entries(FAKE_FILES).filter(([, content]) => !content.includes("not needed")));
  expect(Object.fromEntries(onDisk.map((name) => [name, readFileSync(join(entry, name), "utf8")]))).toEqual(kept);
  expect(readdirSync(machine.root)).toEqual([cacheEntryName("9.9.9", "cpu")]);
  expect(machine.downloads()).toHaveLength(1);
  expect(machine.downloads()[0]).toEqual(
    expect.arrayContaining([
      "download",
      "--no-deps",
      "--only-binary=:all:",
      "--python-version=3.11",
      "--abi=cp311",
      "--platform=any",
      "tensorflow-cpu==9.9.9",
    ]),
  );
});

test("another file than the pinned one is refused and leaves nothing", async () => {
  machine.addPip({ wheel: wheelFile });
  wheel = { ...wheel, sha256: "0".repeat(64) };
  await expect(install()).rejects.toMatchObject({ code: "DATA", expected: `the file with SHA-256 ${"0".repeat(64)}` });
  expect(readdirSync(machine.root)).toEqual([]);
});

test("pip's complaint is the reason, without the index's address", async () => {
  machine.addPip({
    complaint: "WARNING: retrying\nERROR: Could not fetch https://user:secret@index.example/simple: timed out\nhint: be patient",
  });
  await expect(install()).rejects.toThrow("ERROR: Could not fetch <index> timed out");
  expect(readdirSync(machine.root)).toEqual([]);
});

test("a wheel without the libraries is refused", async () => {
  wheel = writeFakeWheel(wheelFile, { "tensorflow/include/tensorflow/c/c_api.h": "" });
  machine.addPip({ wheel: wheelFile });
  await expect(install()).rejects.toMatchObject({ code: "DATA", expected: `a wheel with ${names.cc} and ${names.framework}` });
  expect(locateInEntry(entry)).toBeUndefined();
});

test("killed in the download, the next attempt starts clean and succeeds", async () => {
  machine.addPip({ wheel: wheelFile, stallsHalfway: true });
  const script = fileURLToPath(new URL("../fixtures/install-fake.ts", import.meta.url));
  const child = spawn(process.execPath, ["--conditions=longcot-source", script, JSON.stringify({ wheel, root: machine.root })], {
    env: machine.environment,
    stdio: "ignore",
  });
  const growing = join(staging(), "downloading", "temporary", "growing.whl");
  while (!existsSync(growing)) {
    expect(child.exitCode, "the installer ended by itself").toBeNull();
    await sleep(20);
  }
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(locateInEntry(entry)).toBeUndefined();
  expect(existsSync(lock())).toBe(true);

  machine.addPip({ wheel: wheelFile });
  expect((await install()).version).toBe("9.9.9");
  expect(machine.downloads()).toHaveLength(2);
  expect(readdirSync(machine.root)).toEqual([cacheEntryName("9.9.9", "cpu")]);
});

test("killed while unpacking, the next attempt uses the finished download", async () => {
  machine.addPip({ complaint: "ERROR: must not be asked" });
  mkdirSync(join(staging(), "unpacked", "tensorflow"), { recursive: true });
  writeFileSync(join(staging(), "unpacked", "tensorflow", names.cc), "half");
  writeFakeWheel(join(staging(), "tensorflow_cpu-9.9.9.whl"));
  writeFileSync(lock(), JSON.stringify({ pid: 2 ** 22 + 1, host: hostname() }));
  const { ccLibrary } = await install();
  expect(readFileSync(ccLibrary, "utf8")).toBe(FAKE_FILES[`tensorflow/${names.cc}`]);
  expect(machine.downloads()).toEqual([]);
  expect(readdirSync(machine.root)).toEqual([cacheEntryName("9.9.9", "cpu")]);
});

test("a finished download that is damaged is fetched again", async () => {
  machine.addPip({ wheel: wheelFile });
  mkdirSync(staging(), { recursive: true });
  writeFileSync(join(staging(), "tensorflow_cpu-9.9.9.whl"), "damaged");
  expect((await install()).version).toBe("9.9.9");
  expect(machine.downloads()).toHaveLength(1);
});

test("of two installers at once one downloads, the other waits and uses the result", async () => {
  machine.addPip({ wheel: wheelFile });
  const [first, second] = await Promise.all([install(), install()]);
  expect(first).toEqual(second);
  expect(machine.downloads()).toHaveLength(1);
  expect(said.filter((sentence) => sentence.includes(`process ${process.pid} is installing the same library`))).toHaveLength(1);
});

test("an entry whose library was cut short is installed anew", async () => {
  machine.addPip({ wheel: wheelFile });
  const { ccLibrary } = await install();
  writeFileSync(ccLibrary, "cut");
  expect(locateInEntry(entry)).toBeUndefined();
  await install();
  expect(readFileSync(ccLibrary, "utf8")).toBe(FAKE_FILES[`tensorflow/${names.cc}`]);
});

test("a disk without room is refused before anything is fetched", async () => {
  machine.addPip({ wheel: wheelFile });
  wheel = { ...wheel, unpackedBytes: 2 ** 60 };
  await expect(install()).rejects.toMatchObject({ code: "CONFIG", argument: "the cache's disk" });
  expect(machine.downloads()).toEqual([]);
});
