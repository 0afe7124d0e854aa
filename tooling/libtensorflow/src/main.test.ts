import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createFakeMachine, type FakeMachine } from "../fixtures/fake-machine.ts";
import { writeFakeWheel } from "../fixtures/fake-wheel.ts";
import { libraryNames } from "./release.ts";

const script = fileURLToPath(new URL("main.ts", import.meta.url));
const names = libraryNames();
let machine: FakeMachine;
beforeEach(() => void (machine = createFakeMachine()));
afterEach(() => machine.remove());

function start(argumentList: string[], environment: Record<string, string> = {}) {
  const child = spawn(process.execPath, ["--conditions=longcot-source", script, ...argumentList], {
    env: { ...machine.environment, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  const ended = once(child, "close").then(([status]) => ({ status: status as number | null, output }));
  return { child, ended };
}

test("without pip or network: says why, promises the wasm engine, exits 0, and 1 with --strict", async () => {
  const { status, output } = await start(["install", "--variant", "cpu"]).ended;
  expect(output).toContain("or uv on PATH, got none that answers");
  expect(output).toContain("tfjs-node's install script: expected libtensorflow and libtensorflow_framework, got ");
  expect(output.trimEnd().split("\n").at(-1)).toContain("longcot will use the wasm engine");
  expect(status).toBe(0);
  expect((await start(["install", "--variant", "cpu", "--strict"]).ended).status).toBe(1);
  expect(readdirSync(machine.root)).toEqual([]);
});

test("Ctrl-C in the download leaves nothing behind and exits 130", async () => {
  const wheel = join(machine.home, "served.whl");
  writeFakeWheel(wheel);
  machine.addPip({ wheel, stallsHalfway: true });
  const { child, ended } = start(["install", "--variant", "cpu"]);
  while (machine.downloads().length === 0) {
    expect(child.exitCode, "the installer ended by itself").toBeNull();
    await sleep(20);
  }
  child.kill("SIGINT");
  const { status, output } = await ended;
  expect(output).toContain("stopped by SIGINT");
  expect(status).toBe(130);
  expect(readdirSync(machine.root)).toEqual([]);
});

test("a named folder is used without a word; a wrong one is one line, and exit 1 for `where`", async () => {
  const folder = join(machine.home, "mine");
  mkdirSync(folder);
  for (const name of [names.cc, names.framework]) writeFileSync(join(folder, name), "");
  expect(await start(["install"], { LONGCOT_LIBTENSORFLOW: folder }).ended).toEqual({ status: 0, output: "" });
  expect(await start(["where"], { LONGCOT_LIBTENSORFLOW: folder }).ended).toEqual({ status: 0, output: `${folder}\n` });

  const wrong = await start(["where"], { LONGCOT_LIBTENSORFLOW: machine.home }).ended;
  expect(wrong.status).toBe(1);
  expect(wrong.output).toMatch(/^libtensorflow: LONGCOT_LIBTENSORFLOW must be a folder that holds .* is missing\..*\n$/);
  expect((await start(["install"], { LONGCOT_LIBTENSORFLOW: machine.home }).ended).status).toBe(0);
  expect(existsSync(machine.root)).toBe(false);
});

test("where: exit 1 when nothing is installed; doctor: JSON; an unknown verb or flag: usage, exit not 0", async () => {
  expect((await start(["where"]).ended).status).toBe(1);
  const doctor = await start(["doctor"]).ended;
  expect(JSON.parse(doctor.output)).toMatchObject({
    node: process.versions.node,
    libtensorflow: { fix: expect.stringContaining("longcot-libtensorflow install") },
  });
  expect(await start(["instal"]).ended).toMatchObject({ status: 2, output: expect.stringContaining("build-eager-binding") });
  expect((await start(["install", "--no-such"]).ended).status).toBe(1);
});
