// `longcot distill` as a user runs it, with a server that misbehaves: nothing lost, nothing paid twice, whatever stops it.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadExamples } from "@longcot/data-filter";
import { startUnreliableServer, type Behaviour, type UnreliableServer } from "@longcot/vitest-config/unreliable-server";
import { afterAll, beforeEach, expect, test } from "vitest";
import { loadDistillRecipe } from "./distill-recipe.ts";
import { runDistill, type DistillOutcome } from "./run-distill.ts";

const folder = mkdtempSync(join(tmpdir(), "longcot-distill-"));
afterAll(() => rmSync(folder, { recursive: true }));
const prompts = join(folder, "prompts.jsonl");
writeFileSync(
  prompts,
  Array.from({ length: 10 }, (_, i) =>
    JSON.stringify({
      data_source: i < 6 ? "sums" : "products",
      prompt: [{ role: "user", content: `problem ${i}` }],
      ability: "math",
      reward_model: { style: "rule", ground_truth: String(i) },
      extra_info: { level: i % 3 },
    }),
  ).join("\n"),
);

/** Right on samples of an even number; problem 9 never. Its number is the seed's, since a seed is sent with each sample. */
function answerOf({ messages, seed = 0 }: UnreliableServer["requests"][number]): Behaviour {
  const problem = Number(messages.at(-1)!.content.match(/\d+/)![0]);
  const isRight = problem !== 9 && seed % 2 === 0;
  return { text: `<think>way ${seed} of thinking about it</think>\\boxed{${isRight ? problem : 99}}` };
}

const warnings: string[] = [];
beforeEach(() => void warnings.splice(0));
async function distill(
  out: string,
  behave: Parameters<typeof startUnreliableServer>[0],
  sets: string[] = [],
  signal = new AbortController().signal,
) {
  const served = await startUnreliableServer(behave);
  const recipe = loadDistillRecipe({
    prompts: [prompts],
    server: [served.url],
    serverModel: "teacher",
    first: 2,
    wanted: 2,
    most: 6,
    set: [
      "output.shard_problems=4",
      "teachers.0.timeout_s=30",
      "teachers.0.retries=0",
      "teachers.0.concurrency=3",
      "teachers.0.price={prompt: 1, completion: 2}",
      ...sets,
    ],
  });
  try {
    return {
      outcome: await runDistill({ recipe, out, signal, warn: (text) => warnings.push(text), onProgress: () => {} }),
      asked: served.requests,
    };
  } catch (error) {
    return { error: error as Error, asked: served.requests };
  } finally {
    await served.close();
  }
}
const shards = (out: string, name: string) =>
  readdirSync(join(out, name))
    .toSorted()
    .map((file) => join(out, name, file));
const keyOf = ({ messages, seed }: UnreliableServer["requests"][number]) => `${messages.at(-1)!.content}/${seed}`;

test("kept answers are right and unlike, hard problems are asked more, and the card says what it cost", async () => {
  const out = join(folder, "whole");
  const { outcome, asked } = await distill(out, answerOf);
  expect(outcome!.total).toMatchObject({ problems: 10, solved: 9, covered: 9, kept: 18, rejected: { wrong: asked.length - 18 } });
  // Two, then the one missing at a share of a half; problem 9 to the end of its budget.
  expect(new Set(asked.map(keyOf)).size).toBe(asked.length);
  expect(asked.filter(({ messages }) => messages.at(-1)!.content === "problem 9")).toHaveLength(6);
  expect(asked.filter(({ messages }) => messages.at(-1)!.content === "problem 0").length).toBeLessThan(6);
  const rows = await loadExamples(shards(out, "data"));
  expect(rows).toHaveLength(18);
  expect(rows[0]).toMatchObject({
    messages: [
      { role: "user", content: "problem 0" },
      { role: "assistant", content: "<think>way 0 of thinking about it</think>\\boxed{0}" },
    ],
    dataSource: "sums",
    extraInfo: { prompt_id: "0", sample: 0, teacher: "teacher", completion_tokens: 2, level: 0 },
  });
  expect(outcome!.total.cost).toBeCloseTo((asked.length * (3 * 1 + 2 * 2)) / 1e6, 12);
  const card = readFileSync(join(out, "README.md"), "utf8");
  expect(card).toContain("| sums | 6 | 100.0% | 100.0% |");
  expect(card).toContain("| wrong |");
  expect(readdirSync(join(out, "work"))).toEqual([]);

  // Everything is done: nobody is asked, and the figures are the same.
  const again = await distill(out, () => "break");
  expect([again.asked.length, again.outcome]).toEqual([0, outcome]);
});

test("a server that dies again and again: in the end each question was answered once, and the data are those of one that never did", async () => {
  const out = join(folder, "dying");
  const answered: string[] = [];
  let last: DistillOutcome | undefined;
  for (let life = 0; last === undefined && life < 30; life++) {
    const { outcome, error } = await distill(out, (body, number) => {
      if (number >= 5) return "break";
      answered.push(keyOf(body));
      return answerOf(body);
    });
    last = outcome;
    expect(error?.message ?? "teachers: expected one that answers, got none; start again to go on").toMatch(
      /^teachers: expected one that answers, got none; .*start again to go on/s,
    );
  }
  expect(answered.length).toBe(new Set(answered).size);
  expect(last!.total.answers).toBe(answered.length);
  const whole = join(folder, "whole");
  for (const [i, path] of shards(out, "data").entries())
    expect(readFileSync(path).equals(readFileSync(shards(whole, "data")[i]!))).toBe(true);
});

test("an interruption waits for what is under way, and keeps it", async () => {
  const out = join(folder, "stopped");
  const controller = new AbortController();
  const count = (body: UnreliableServer["requests"][number], number: number) => {
    if (number === 12) controller.abort(new Error("stop"));
    return answerOf(body);
  };
  const first = await distill(out, count, [], controller.signal);
  expect(first.error!.message).toBe("stop");
  expect(first.asked.length).toBeLessThan(20);
  const rest = await distill(out, answerOf);
  expect(first.asked.length + rest.asked.length).toBe(rest.outcome!.total.answers);
});

test("prompt and completion for TRL; another folder's settings are refused", async () => {
  const out = join(folder, "pairs");
  const { outcome } = await distill(out, answerOf, ["output.format=prompt_completion", "prompts.limit=2", "prompts.suffix=Box it."]);
  expect(outcome!.total.kept).toBe(4);
  const [row] = await loadExamples(shards(out, "data"));
  expect(row!.messages).toEqual([
    { role: "user", content: "problem 0" },
    { role: "assistant", content: "<think>way 0 of thinking about it</think>\\boxed{0}" },
  ]);
  const { error } = await distill(out, answerOf, ["prompts.limit=2"]);
  expect(error!.message).toMatch(/must be a new folder, or one with the same settings and problems/);
});

test.each([
  [
    { prompts: ["x"] },
    "options: expected --prompts FILE… and a teacher (--model DIR or --server URL --server-model NAME), or --recipe FILE, got no teacher",
  ],
  [{ server: ["http://x"] }, "--server: expected with --server-model NAME, got none"],
  [{ prompts: ["x"], model: ["m"], first: 9, most: 4 }, "budget.most must be at least budget.first (9), got 4"],
])("%j is refused", (flags, message) => expect(() => loadDistillRecipe(flags)).toThrow(message));
