// The commands as a user runs them, on a small model whose expected values transformers and PyTorch made.
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openSafetensors } from "@longcot/language-model";
import { probeIsolation } from "@longcot/verifiers";
import { afterAll, describe, expect, test } from "vitest";

const PROGRAM = fileURLToPath(new URL("../main.ts", import.meta.url));
const MODEL = fileURLToPath(new URL("../../../../packages/language-model/fixtures/tiny-qwen2", import.meta.url));
const cwd = mkdtempSync(join(tmpdir(), "longcot-commands-"));
afterAll(() => rmSync(cwd, { recursive: true }));

interface Expected {
  tokenization: { text: string; ids: number[] }[];
  chat: { messages: object[]; add_generation_prompt: boolean; template_kwargs: object; text: string; ids: number[] }[];
  greedy: { cases: { prompt_ids: number[]; output_ids: number[]; logprobs: number[] }[] };
  batch: { lengths: number[] };
}
const expected = JSON.parse(readFileSync(join(MODEL, "expected.json"), "utf8")) as Expected;

/** Runs `longcot command` on `rows`; a text is written as it is. */
async function longcot(command: string, rows: readonly object[] | string, ...args: string[]) {
  const name = `${command}-${readdirSync(cwd).length}`;
  const text = typeof rows === "string" ? rows : rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  writeFileSync(join(cwd, `${name}.in`), text);
  const model = command === "grade" ? [] : ["--model", MODEL];
  const all = ["--conditions=longcot-source", PROGRAM, command, ...model, "--input", `${name}.in`, "--out", `${name}.out`, ...args];
  const ended = await new Promise<{ stdout: string; stderr: string; code: number }>((resolve) => {
    const child = execFile(process.execPath, all, { cwd }, (_, stdout, stderr) => resolve({ stdout, stderr, code: child.exitCode ?? -1 }));
  });
  const out = join(cwd, `${name}.out`);
  const lines = existsSync(out) ? readFileSync(out, "utf8").trimEnd().split("\n") : undefined;
  return { ...ended, name, rows: lines?.map((line) => JSON.parse(line)) };
}

function largestDifference(left: readonly number[], right: readonly number[]): number {
  expect(left.length).toBe(right.length);
  return left.reduce((most, value, i) => Math.max(most, Math.abs(value - right[i]!)), 0);
}

describe("score", () => {
  test.each(["1.0", "0.6"])("log-probabilities and entropies at temperature %s", async (temperature) => {
    const file = await openSafetensors(join(MODEL, "expected.safetensors"));
    const read = async (name: string) => [...(await file.readFloat32(name))];
    const ids = [...((await file.read("batch.input_ids")) as Int32Array)];
    const mask = [...((await file.read("batch.attention_mask")) as Int32Array)];
    const [logProbs, entropies] = [await read(`batch.logprobs_t${temperature}`), await read(`batch.entropy_t${temperature}`)];
    await file.close();
    const time = ids.length / expected.batch.lengths.length;
    const sequences = expected.batch.lengths.map((length, b) => ({ first: mask.indexOf(1, b * time) - b * time, length, b }));

    const { code, rows, stdout } = await longcot(
      "score",
      sequences.map(({ first, length, b }) => ({ id: `row ${b}`, input_ids: ids.slice(b * time + first, b * time + first + length) })),
      "--temperature",
      temperature,
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^3 rows in, 3 rows written to .* \((TensorFlow|tfjs) .*\)\n$/);
    expect(rows!.map((row) => row.id)).toEqual(["row 0", "row 1", "row 2"]);
    for (const { first, length, b } of sequences) {
      const from = b * (time - 1) + first;
      expect(largestDifference(rows![b].log_probs, logProbs.slice(from, from + length - 1))).toBeLessThan(1e-4);
      expect(largestDifference(rows![b].entropies, entropies.slice(b * time + first, b * time + first + length - 1))).toBeLessThan(1e-4);
    }
  });

  test("a sequence of one token has nothing to score", async () => {
    expect((await longcot("score", [{ id: 7, input_ids: [3] }])).rows).toEqual([{ id: 7, log_probs: [], entropies: [] }]);
  });
});

describe("generate", () => {
  test("greedy tokens of transformers, up to the end token", async () => {
    const { cases } = expected.greedy;
    const { rows, code } = await longcot(
      "generate",
      cases.map(({ prompt_ids }, id) => ({ id, input_ids: prompt_ids })),
      "--greedy",
      "--max-new-tokens",
      "40",
    );
    expect(code).toBe(0);
    const eos = (JSON.parse(readFileSync(join(MODEL, "generation_config.json"), "utf8")) as { eos_token_id: number | number[] })
      .eos_token_id;
    cases.forEach(({ output_ids, logprobs }, id) => {
      const end = output_ids.findIndex((token) => [eos].flat().includes(token));
      const length = end === -1 ? output_ids.length : end + 1;
      expect(rows![id]).toMatchObject({
        id,
        sample: 0,
        output_ids: output_ids.slice(0, length),
        finish_reason: end === -1 ? "length" : "stop",
      });
      expect(largestDifference(rows![id].log_probs, logprobs.slice(0, length))).toBeLessThan(1e-4);
    });
  });

  test("prompt, messages and input_ids of one text give the same samples, which a seed decides", async () => {
    const chat = expected.chat.find((one) => one.add_generation_prompt && Object.keys(one.template_kwargs).length === 0)!;
    const run = async (row: object, seed: string) =>
      (await longcot("generate", [{ id: "a", ...row }], "--n", "3", "--max-new-tokens", "12", "--seed", seed, "--top-p", "0.9")).rows!;
    const byPrompt = await run({ prompt: chat.text }, "5");
    expect(byPrompt.map((row) => [row.id, row.sample])).toEqual([
      ["a", 0],
      ["a", 1],
      ["a", 2],
    ]);
    expect(await run({ messages: chat.messages }, "5")).toEqual(byPrompt);
    expect(await run({ input_ids: chat.ids }, "5")).toEqual(byPrompt);
    const other = await run({ prompt: chat.text }, "6");
    expect(other.map((row) => row.output_ids)).not.toEqual(byPrompt.map((row) => row.output_ids));
  });
});

test("tokenize: the ids of transformers, and the chat template with the assistant's turn opened", async () => {
  const chats = expected.chat.filter((one) => one.add_generation_prompt && Object.keys(one.template_kwargs).length === 0);
  expect(chats.length).toBeGreaterThan(0);
  const { rows } = await longcot("tokenize", [
    ...expected.tokenization.map(({ text }, id) => ({ id, text })),
    ...chats.map(({ messages }, id) => ({ id: `chat ${id}`, messages })),
  ]);
  expect(rows).toEqual([
    ...expected.tokenization.map(({ ids }, id) => ({ id, ids })),
    ...chats.map(({ ids, text }, id) => ({ id: `chat ${id}`, ids, text })),
  ]);
});

test("grade keeps the order of its input over several processes", async () => {
  const rows = Array.from({ length: 300 }, (_, i) => ({
    id: i,
    ability: "math",
    response: i % 5 === 4 ? "no answer" : `So the answer is \\boxed{${i % 3}}`,
    ground_truth: i % 7 === 6 ? ["9", "0"] : "0",
  }));
  const { rows: graded, code, stdout } = await longcot("grade", rows, "--jobs", "2", "--json");
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ rows_in: 300, rows_out: 300 });
  expect(graded).toEqual(
    rows.map(({ id }) =>
      id % 5 === 4
        ? { id, score: 0, outcome: "no_answer" }
        : { id, score: id % 3 === 0 ? 1 : 0, outcome: id % 3 === 0 ? "correct" : "wrong", extracted: String(id % 3) },
    ),
  );
});

test.each<[flags: string[], response: string, ground_truth: string, byDefault: 0 | 1]>([
  [["--percent", "exact"], "\\boxed{28\\%}", "28", 1],
  [["--percent", "either"], "\\boxed{12.5\\%}", "12.5", 0],
  [["--units", "keep"], "\\boxed{12\\text{ cm}}", "12", 1],
  [["--symbol-case", "exact"], "\\boxed{A+1}", "a+1", 1],
  [["--log-base", "e"], "\\boxed{\\log 2}", "\\ln 2", 0],
  [["--tuple-as-set", "distinct"], "\\boxed{(1,2)}", "\\{1,2\\}", 1],
  [["--decimal-places", "2"], "\\boxed{0.33}", "\\frac{1}{3}", 0],
  [["--bare-answer", "refuse"], "It must be 7", "7", 1],
  [["--thinking", "ignored"], "<think>\\boxed{7}", "7", 0],
])("grade by the convention %j", async (flags, response, ground_truth, byDefault) => {
  const row = { id: 0, ability: "math", response, ground_truth };
  const [usual, other] = await Promise.all([longcot("grade", [row], "--jobs", "1"), longcot("grade", [row], "--jobs", "1", ...flags)]);
  expect([usual.rows?.[0].score, other.rows?.[0].score]).toEqual([byDefault, 1 - byDefault]);
});

const isolation = await probeIsolation().catch(() => undefined);
test.skipIf(isolation?.level !== "full")(
  `programs are graded, and the isolation is told${isolation?.level === "full" ? "" : " (left out: needs bubblewrap)"}`,
  async () => {
    const row = (id: number, source: string) => ({
      id,
      ability: "code",
      response: `\`\`\`python\n${source}\n\`\`\``,
      ground_truth: { inputs: ["1", "2"], outputs: ["1", "4"] },
    });
    const rows = [row(0, "print(int(input()) ** 2)"), row(1, "print(input())"), row(2, "print(1 / 0)")];
    const { rows: graded, stderr, code } = await longcot("grade", rows, "--reward", "fraction", "--cpu-time", "2");
    expect(code).toBe(0);
    expect(stderr).toContain('programs run at isolation "full"');
    expect(graded).toMatchObject([
      { id: 0, score: 1, outcome: "correct", passed: 2, total: 2 },
      { id: 1, score: 0.5, outcome: "wrong", passed: 1, total: 2, detail: "test 2 of 2" },
      { id: 2, score: 0, outcome: "runtime_error" },
    ]);
  },
);

test("a ground truth that is no text is an outcome, not an error", async () => {
  const { rows } = await longcot("grade", [{ id: "x", ability: "math", response: "\\boxed{1}", ground_truth: 1 }]);
  expect(rows).toMatchObject([{ id: "x", score: 0, outcome: "invalid_ground_truth" }]);
});

const GOOD = { id: 0, input_ids: [3, 4] };
test.each<[string, string, readonly object[] | string, string[], RegExp]>([
  [
    "score",
    "a cut line",
    `${JSON.stringify(GOOD)}\n{"id": 1, "input_ids": [1, 2`,
    [],
    /score-\d+\.in line 2: expected one JSON object, got /,
  ],
  ["score", "blank lines only", "\n\n", [], /expected at least one line of JSON, got none/],
  ["score", "a missing key", [GOOD, { id: 1 }], [], /line 2: input_ids must be a list of token ids, got nothing/],
  ["score", "an empty sequence", [{ id: 1, input_ids: [] }], [], /line 1: input_ids must be a list of at least one token id, got \[\]/],
  ["score", "half a token", [{ id: 1, input_ids: [3, 1.5] }], [], /line 1: input_ids\[1\] must be a token id, got 1.5/],
  [
    "score",
    "an unknown token",
    [{ id: 1, input_ids: [3, 672] }],
    [],
    /line 1: input_ids\[1\] must be below the model's vocab_size of 672, got 672/,
  ],
  [
    "score",
    "a sequence too long",
    [{ id: 1, input_ids: Array.from({ length: 2049 }, () => 3) }],
    [],
    /line 1: input_ids must be at most 2048 tokens long.*got 2049/,
  ],
  ["score", "a row without id", [{ input_ids: [3] }], [], /line 1: id must be a string or a number, got nothing/],
  [
    "generate",
    "two kinds of prompt",
    [{ id: 1, prompt: "a", input_ids: [3] }],
    [],
    /line 1: the row must be an object with one of prompt, messages, input_ids, got /,
  ],
  [
    "generate",
    "a message without role",
    [{ id: 1, messages: [{ content: "a" }] }],
    [],
    /line 1: messages\[0\]\.role must be a string, got nothing/,
  ],
  [
    "generate",
    "more tokens than positions",
    [GOOD],
    ["--max-new-tokens", "2047"],
    /line 1: --max-new-tokens must be at most 2046, .*got 2047/,
  ],
  ["tokenize", "a row of nothing", [{ id: 1 }], [], /line 1: the row must be an object with one of text, messages/],
  [
    "grade",
    "an ability that nothing grades",
    [{ id: 1, ability: "chess", response: "", ground_truth: "" }],
    [],
    /line 1: ability must be "math" or "code", got "chess"/,
  ],
  ["grade", "a missing ground truth", [{ id: 1, ability: "math", response: "" }], [], /line 1: ground_truth must be given, got nothing/],
  [
    "score",
    "an output in no folder",
    [GOOD],
    ["--out", "no/such/folder/out.jsonl"],
    /--out: expected a file in a folder that exists, got no\/such\/folder\/out.jsonl/,
  ],
])("%s refuses %s in one line and writes nothing", async (command, _, rows, args, message) => {
  const ended = await longcot(command, rows, ...args);
  expect(ended.stderr).toMatch(message);
  expect(ended.stderr).toMatch(/^longcot \w+: [^\n]+\n$/);
  expect({ code: ended.code, stdout: ended.stdout, rows: ended.rows }).toEqual({ code: 1, stdout: "", rows: undefined });
});
