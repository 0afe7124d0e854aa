// The bench and the doctor as a user runs them. What is tested is their form and their sums, never how fast the machine is.
import { execFile, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { locateLibtensorflow } from "@longcot/libtensorflow";
import { expect, test } from "vitest";
import { median } from "./median.ts";

const PROGRAM = fileURLToPath(new URL("../main.ts", import.meta.url));
const PEER = fileURLToPath(new URL("../../fixtures/fake-peer.mjs", import.meta.url));
const SMALL = Object.entries({
  vocab: 12,
  hidden: 8,
  layers: 1,
  heads: 2,
  ffn: 8,
  batch: 2,
  time: 6,
  sequences: 3,
  prompt: 4,
  new: 5,
  completions: 4,
  group: 2,
});
const shapes = (left: readonly string[] = []) => SMALL.flatMap(([name, size]) => (left.includes(name) ? [] : [`--${name}`, String(size)]));

async function longcot(...args: string[]) {
  const { stdout, stderr, code } = await new Promise<{ stdout: string; stderr: string; code: number }>((resolve) => {
    const child = execFile(process.execPath, ["--conditions=longcot-source", PROGRAM, ...args], (_, out, err) =>
      resolve({ stdout: out, stderr: err, code: child.exitCode ?? -1 }),
    );
  });
  return {
    stderr,
    code,
    lines: stdout
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line)),
    stdout,
  };
}

// Embedding 12·8; block: two norms, q k v with bias, output, gate and up, down; last norm.
const PARAMETERS = 96 + (8 + 8) + (8 * 24 + 24) + 64 + 128 + 64 + 8;

test("every job prints its figures", async () => {
  const { lines, code } = await longcot("bench", "--json", "--repeats", "2", "--kv-heads", "2", ...shapes());
  expect(code).toBe(0);
  const common = {
    ragged: false,
    parameters: PARAMETERS,
    engine: expect.stringMatching(/TensorFlow|tfjs/),
    load_average: expect.any(Number),
  };
  expect(lines).toEqual([
    { job: "train", ...common, seconds_per_step: expect.any(Number), tokens_per_s: expect.any(Number), median_of: 4 },
    { job: "generate", ...common, tokens_per_s: expect.any(Number), median_of: 2 },
    { job: "grpo", ...common, seconds_per_step: expect.any(Number), of_which_generation: expect.any(Number), median_of: 2 },
  ]);
  expect(lines[0].tokens_per_s * lines[0].seconds_per_step).toBeCloseTo(12, 6);
});

test("ragged work sets vocabulary and cap itself", async () => {
  const { lines } = await longcot(
    "bench",
    "generate",
    "--ragged",
    "--json",
    "--repeats",
    "1",
    "--kv-heads",
    "2",
    ...shapes(["vocab", "new"]),
  );
  expect(lines).toMatchObject([{ job: "generate", ragged: true, parameters: PARAMETERS + 52 * 8 }]);
});

test.runIf(locateLibtensorflow() !== undefined)("compile compares with a named eager engine", async () => {
  const { lines } = await longcot("bench", "compile", "--engine", "tensorflow", "--json", "--repeats", "1", "--kv-heads", "2", ...shapes());
  const [{ seconds_per_step, eager_seconds_per_step, times_as_fast, eager_engine }] = lines;
  expect(eager_engine).toMatch(/op by op$/);
  expect(times_as_fast * seconds_per_step).toBeCloseTo(eager_seconds_per_step, 6);
});

const hasPython = spawnSync("python3", ["--version"]).status === 0;
test.each<[string, string[]]>([
  ...(hasPython ? [["python3", ["pickle_arrays", "pickle_lists"]] as [string, string[]]] : []),
  ["no-such-python", []],
])("buffer moves a step in every way and reads it back; pickled by %s", async (python, pickles) => {
  const printed = await longcot("bench", "buffer", "--mib", "1", "--repeats", "1", "--json", "--python", python);
  const { code, stderr } = printed;
  const lines = printed.lines.filter(({ part }) => part !== "pickle");
  expect(printed.lines.filter(({ part }) => part === "pickle").map((line) => line.left_out)).toEqual(
    pickles.length > 0 ? [] : ["spawn no-such-python ENOENT"],
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const size = { job: "buffer", rows: 7, mib: 1 };
  const number = expect.any(Number);
  const parts = ["structured_clone", ...pickles, "json"];
  expect(lines).toMatchObject([
    { ...size, part: "write_and_seal", columns: 6, tokens_per_s: number, untouched_memory_tokens_per_s: number, median_of: 1 },
    { ...size, part: "hand_over", ms: number, most_ms: number, most_allocated_kib: number },
    ...parts.map((part) => ({ ...size, part, seconds: number, times_hand_over: number })),
    { ...size, part: "file", write_gb_per_s: number, read_gb_per_s: number, median_of: 1 },
  ]);
  for (const line of lines.slice(2, -1)) expect(line.times_hand_over * lines[1].ms).toBeCloseTo(line.seconds * 1000, 6);
  // A hand-over is two numbers, whatever the size of the step.
  expect(lines[1].most_allocated_kib).toBeLessThan(1024);
});

test("another program takes turns and its figures give the ratio", async () => {
  const against = ["--against", PEER, "--python", process.execPath, "--rounds", "2", "--kv-heads", "2"];
  const { lines } = await longcot("bench", "generate", "--json", "--repeats", "1", ...against, ...shapes());
  expect(lines.map((line) => line.by ?? "ratio")).toEqual([PEER, "longcot", PEER, "longcot", "ratio"]);
  expect(lines[0].flags).toEqual([...shapes(), "--repeats", "1"]);
  const ratios = [lines[1], lines[3]].map((line) => line.tokens_per_s / 1e-3);
  expect(lines[4].times_as_fast / median(ratios)).toBeCloseTo(1, 9);
  expect([lines[4].least, lines[4].most]).toEqual([Math.min(...ratios), Math.max(...ratios)]);

  const failed = await longcot("bench", "generate", "--ragged", "--repeats", "1", ...against, ...shapes(["vocab", "new"]));
  expect(failed.stderr).toMatch(
    /^longcot bench: .*fake-peer\.mjs generate: expected a line of JSON.*got RuntimeError: no ragged work here\n$/,
  );
  expect(failed.code).toBe(1);
});

test.each<[string[], RegExp]>([
  [["dance"], /value 'dance' is invalid for argument 'job'. Allowed choices are train, sft, generate, grpo, compile/],
  [["--ragged", "--new", "9"], /--new must be left out with --ragged, got 9/],
  [["--heads", "3"], /--heads must be such that --hidden \(256\) gives an even size to each, got 3/],
  [["--group", "7"], /--group must be a divisor of --completions \(64\), got 7/],
  [["--rounds", "2"], /--rounds must be left out without --against, got 2/],
  [["compile", "--against", PEER], /--against must be left out for compile/],
  [["compile", "--engine", "wasm", "--kv-heads", "2", "--repeats", "1", ...shapes()], /--engine must be one that compiles.*got wasm/],
])("bench %j is refused in one line", async (args, message) => {
  const { code, stderr, stdout } = await longcot("bench", ...args);
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/^longcot bench: [^\n]+\n$/);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
});

test("doctor names engine and speed, in words and as JSON", async () => {
  const [words, json] = await Promise.all([longcot("doctor"), longcot("doctor", "--json")]);
  expect(words.stdout).toMatch(/^✓ longcot +\d+\.\d+\.\d+, tfjs 4\.\d+\.\d+, Node \d+/);
  expect(words.stdout).toMatch(/\n✓ engine +(tensorflow|tensorflow-gpu|wasm): /);
  expect([words.code, json.code]).toEqual([0, 0]);
  expect(json.lines).toMatchObject([
    { platform: `${process.platform}-${process.arch}`, engine: { kind: expect.any(String), threads: expect.any(Number) } },
  ]);
  expect(json.lines[0].engine.matrix_product_gflops).toBeGreaterThan(0);
});

test("the median of an odd and an even number of values", () => {
  expect([median([3, 1, 2]), median([4, 1, 2, 3])]).toEqual([2, 2.5]);
});
