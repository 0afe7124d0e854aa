// What is there after a failure, and after a kill: the old, or the new.
import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  atomicFile,
  atomicFolder,
  atomicLink,
  atomicRemove,
  atomicWrite,
  cutLog,
  cutTornLine,
  JsonlLog,
  readLog,
  removeLeftovers,
} from "./index.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "durable-"))));
afterEach(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
const text = (name: string): string => readFileSync(at(name), "utf8");

test("a file is replaced whole, and stays as it was where writing fails", async () => {
  atomicWrite(at("file"), "old");
  atomicWrite(at("file"), ["n", new TextEncoder().encode("ew")]);
  expect(text("file")).toBe("new");
  const pieces = function* (): Generator<string> {
    yield "half";
    throw new Error("stop");
  };
  expect(() => atomicWrite(at("file"), pieces())).toThrow("stop");
  const fill = (aside: string): never => {
    writeFileSync(aside, "half");
    throw new Error("stop");
  };
  await expect(atomicFile(at("file"), fill)).rejects.toThrow("stop");
  expect(() => atomicWrite(folder, "a folder's name")).toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
  expect(text("file")).toBe("new");
  expect(await atomicFile(at("file"), (aside) => (writeFileSync(aside, "newer"), 5))).toBe(5);
  expect(text("file")).toBe("newer");
  expect(readdirSync(folder)).toEqual(["file"]);
});

test("a folder is there whole or not at all, and takes no other's place", async () => {
  mkdirSync(at(".aside-made"));
  writeFileSync(at(".aside-made/junk"), "of a killed process");
  const fill = (aside: string): void => writeFileSync(join(aside, "half"), "");
  await expect(atomicFolder(at("made"), (aside) => (fill(aside), Promise.reject(new Error("stop"))))).rejects.toThrow("stop");
  expect(readdirSync(folder)).toEqual([]);
  mkdirSync(at("made"));
  await atomicFolder(at("made"), fill);
  expect(readdirSync(at("made"))).toEqual(["half"]);
  await expect(atomicFolder(at("made"), fill)).rejects.toThrow("expected a new or empty folder, got a folder of 1 entries");
  await expect(atomicFolder(at("made/half"), fill)).rejects.toThrow("got a file");
  atomicRemove(at("made"));
  expect(readdirSync(folder)).toEqual([]);
});

test("a link changes in one move", () => {
  symlinkSync("nowhere", at(".aside-link"));
  for (const target of ["one", "two"]) {
    atomicLink(at("link"), target);
    expect(readlinkSync(at("link"))).toBe(target);
  }
  expect(lstatSync(at("link")).isSymbolicLink()).toBe(true);
  expect(readdirSync(folder)).toEqual(["link"]);
});

test("a process killed before the rename leaves the old file; its remains can be cleared", () => {
  atomicWrite(at("file"), "old");
  const code = `import { atomicFile } from ${JSON.stringify(fileURLToPath(new URL("index.ts", import.meta.url)))};
    import { writeFileSync } from "node:fs";
    await atomicFile(${JSON.stringify(at("file"))}, (aside) => { writeFileSync(aside, "half"); process.kill(process.pid, "SIGKILL"); });`;
  expect(() => execFileSync(process.execPath, ["--conditions=longcot-source", "--input-type=module", "-e", code])).toThrow(
    "Command failed",
  );
  expect(text("file")).toBe("old");
  expect(readdirSync(folder)).toHaveLength(2);
  removeLeftovers(folder);
  expect(readdirSync(folder)).toEqual(["file"]);
  removeLeftovers(at("nowhere"));
});

test("a log's torn line is cut, everything whole is read", () => {
  const path = at("new/log.jsonl");
  expect(readLog(path)).toEqual([]);
  cutTornLine(path);
  expect(existsSync(path)).toBe(false);
  const log = new JsonlLog(path);
  log.append(['{"a":1}', '{"a":"é"}']);
  const { size } = log;
  expect(size).toBe(readFileSync(path).length);
  log.append(['{"a":3']);
  log.close();
  expect(() => readLog(path)).toThrow(`${path}:3: expected one JSON value, got "{\\"a\\":3"`);
  cutLog(path, size + 4);
  expect(readLog(path)).toEqual([{ a: 1 }, { a: "é" }]);
  cutTornLine(path);
  expect(readFileSync(path).length).toBe(size);
  expect(() => cutLog(path, size + 1)).toThrow(`at least the ${size + 1} bytes`);
  const check = { expected: "a number", test: ({ a }: { a: unknown }) => typeof a === "number" };
  expect(() => readLog(path, check)).toThrow(`${path}:2: expected a number`);
  writeFileSync(path, "null\n");
  expect(() => readLog(path, check)).toThrow(`${path}:1: expected a number`);
});
