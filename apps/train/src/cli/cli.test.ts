import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { Metrics, TrainEvent } from "../events.ts";

const PROGRAM = fileURLToPath(new URL("../../fixtures/cli-with-fake-loop.ts", import.meta.url));
const scratch = () => mkdtempSync(join(tmpdir(), "longcot-cli-"));

function start(cwd: string, args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, ["--conditions=longcot-source", PROGRAM, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const done = Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.on("close", resolve)),
  ]).then(([stdout, stderr, code]) => ({ stdout, stderr, code }));
  return { child, done };
}
const run = (cwd: string, args: string[], env?: Record<string, string>) => start(cwd, args, env).done;

describe("errors are one line on stderr and exit 1, and leave nothing behind", () => {
  test.each<[string, string[], Record<string, string>, string]>([
    ["unknown command", ["trian"], {}, "longcot: unknown command 'trian' (Did you mean train?)\n"],
    ["unknown option", ["train", "--recip", "x"], {}, "longcot train: unknown option '--recip' (Did you mean --recipe?)\n"],
    ["missing value", ["train", "--run"], {}, "longcot train: option '--run <dir>' argument missing\n"],
    [
      "stray argument",
      ["train", "quickstart"],
      {},
      "longcot train: too many arguments for 'train'. Expected 0 arguments but got 1: quickstart.\n",
    ],
    [
      "recipe error",
      ["train", "--set", "seeed=1"],
      {},
      "longcot train: --set seeed: expected a known key, got seeed. Did you mean seed?\n",
    ],
    [
      "no such recipe",
      ["train", "--recipe", "none.yaml"],
      {},
      "longcot train: --recipe: expected a recipe file that exists, got none.yaml\n",
    ],
    ["nothing to resume", ["train", "--resume"], {}, "longcot train: --resume: expected a run under runs/, got none. Name it by --run\n"],
    [
      "no run there",
      ["train", "--resume", "--run", "nowhere"],
      {},
      "longcot train: --run: expected a run's folder (one that holds recipe.yaml), got nowhere\n",
    ],
    [
      "the loop refuses its input",
      ["train", "--run", "r"],
      { FAKE_LOOP: "fail" },
      "longcot train: model: expected a folder with config.json, got models/none\n",
    ],
    [
      "a bug",
      ["train", "--run", "r"],
      { FAKE_LOOP: "bug" },
      "longcot train: TypeError: first line second line (LONGCOT_DEBUG=1 shows where)\n",
    ],
  ])("%s", async (_, args, env, expected) => {
    const cwd = scratch();
    const { stdout, stderr, code } = await run(cwd, args, env);
    expect({ stdout, stderr, code }).toEqual({ stdout: "", stderr: expected, code: 1 });
    expect(existsSync(join(cwd, "runs")) || existsSync(join(cwd, "r"))).toBe(false);
  });

  test("LONGCOT_DEBUG=1 adds the stack", async () => {
    const { stderr, code } = await run(scratch(), ["train"], { FAKE_LOOP: "bug", LONGCOT_DEBUG: "1" });
    expect(stderr).toMatch(/^longcot train: TypeError: first line second line\nTypeError: [\s\S]*cli-with-fake-loop/);
    expect(code).toBe(1);
  });
});

test("help and version exit 0", async () => {
  const cwd = scratch();
  const [none, help, version] = await Promise.all([run(cwd, []), run(cwd, ["train", "--help"]), run(cwd, ["--version"])]);
  expect(none.code).toBe(0);
  expect(none.stdout).toContain("train [options]");
  expect(help.code).toBe(0);
  expect(help.stdout).toContain("longcot train --recipe finetune --set model=DIR");
  expect(version).toMatchObject({ code: 0, stdout: "0.0.0\n" });
});

test("a run: lines in a log, events as JSON, records, report, and no overwriting", async () => {
  const cwd = scratch();
  const sets = ["--recipe", "finetune", "--set", "model=some", "--set", "data.train=rows.parquet", "--set", "stages.0.steps=4"];
  const plain = await run(cwd, ["train", "--run", "a", ...sets]);
  expect(plain).toMatchObject({ code: 0, stderr: "" });
  expect(plain.stdout.match(/^step \d\/4 only {2}reward 0\.\d{3} {2}entropy 0\.\d{3} {2}length /gm)).toHaveLength(4);
  expect(plain.stdout).not.toContain("\u001B");
  expect(readFileSync(join(cwd, "a", "report", "index.html"), "utf8")).toContain("<svg");

  const machine = await run(cwd, ["train", "--run", "b", "--json", ...sets]);
  const events = machine.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as TrainEvent);
  expect(events.filter((event) => event.type !== "phase").map((event) => event.type)).toEqual([
    "run",
    "step",
    "step",
    "step",
    "step",
    "done",
  ]);
  expect(readFileSync(join(cwd, "a", "metrics.jsonl"), "utf8")).toBe(readFileSync(join(cwd, "b", "metrics.jsonl"), "utf8"));

  const again = await run(cwd, ["train", "--run", "a"]);
  expect(again).toMatchObject({
    code: 1,
    stderr:
      "longcot train: --run: expected a folder that does not exist yet, or is empty, got a. Go on with that run by --resume, or choose another folder\n",
  });
  const changed = await run(cwd, ["train", "--run", "a", "--resume", ...sets, "--set", "seed=7"]);
  expect(changed).toMatchObject({
    code: 1,
    stderr:
      "longcot train: --resume: seed must be as in the recipe of a, got another value. Leave out --recipe and --set, or start a new run\n",
  });
});

test("the first Ctrl-C saves and exits 130; --resume goes on to the same metrics", async () => {
  const cwd = scratch();
  const { child, done } = start(cwd, ["train", "--run", "a"], { FAKE_LOOP: "slow" });
  child.stdout.once("data", () => setTimeout(() => child.kill("SIGINT"), 250));
  const stopped = await done;
  expect(stopped.code).toBe(130);
  expect(stopped.stdout).toContain("note: stopping at the next safe point and saving");
  expect(stopped.stdout).toMatch(/stopped after step \d+; go on with: longcot train --resume --run a\n/);
  expect((await run(cwd, ["train", "--run", "a", "--resume"])).code).toBe(0);
  expect((await run(cwd, ["train", "--run", "b"])).code).toBe(0);
  const lines = (name: string) =>
    readFileSync(join(cwd, name, "metrics.jsonl"), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Metrics);
  expect(lines("a")).toEqual(lines("b"));
});

test("Ctrl-C before the run began leaves nothing", async () => {
  const cwd = scratch();
  const { code, stdout } = await run(cwd, ["train", "--run", "a"], { FAKE_LOOP: "early" });
  expect({ code, last: stdout.trimEnd().split("\n").at(-1) }).toEqual({
    code: 130,
    last: "note: stopped before the run began; nothing was written",
  });
  expect(existsSync(join(cwd, "a"))).toBe(false);
});

test("a second Ctrl-C ends at once", async () => {
  const { child, done } = start(scratch(), ["train", "--run", "a", "--json"], { FAKE_LOOP: "endless" });
  child.stdout.on("data", (chunk: Buffer) => {
    if (chunk.includes('"run"') || chunk.includes("stopping")) child.kill("SIGINT");
  });
  const { code, stdout } = await done;
  expect(code).toBe(130);
  expect(stdout).not.toContain('"done"');
});
