import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openModelServer } from "@longcot/model-server";
import { createVerifierPool } from "@longcot/verifiers";
import { afterAll, expect, test } from "vitest";
import { startUnreliableServer } from "@longcot/vitest-config/unreliable-server";
import { loadPrompts } from "../load-prompts.ts";
import { runPipeline } from "../run-pipeline.ts";
import type { FilterStep } from "./filter-step.ts";
import { keepDifficulty } from "./keep-difficulty.ts";
import { measureDifficulty } from "./measure-difficulty.ts";
import { serverAnswerer } from "./server-answerer.ts";
import { readVerdict, voteQuality } from "./vote-quality.ts";

const folder = mkdtempSync(join(tmpdir(), "longcot-model-steps-"));
afterAll(() => rmSync(folder, { recursive: true }));

const input = join(folder, "sums.jsonl");
writeFileSync(
  input,
  Array.from({ length: 5 }, (_, i) =>
    JSON.stringify({
      prompt: `What is ${i} + 10?`,
      answer: String(i + 10),
      data_source: "sums",
      extra_info: { index: i, model_difficulty: { old: 3 } },
    }),
  ).join("\n"),
);
const run = (name: string, steps: readonly FilterStep[]) =>
  runPipeline({ sources: [{ files: [input] }], steps, output: join(folder, `${name}.parquet`), folder: join(folder, name) });

test("difficulty: failures of N answers are counted by model; an interrupted pass goes on where it was", async () => {
  // Problem i is answered rightly by the samples whose seed is below i: 4 − i of 4 fail.
  const served = await startUnreliableServer(({ messages, seed }, number) => {
    if (number === 9) return { status: 400 };
    const i = Number(/What is (\d+)/.exec(messages.at(-1)!.content)![1]);
    return { text: `\\boxed{${seed! < i ? i + 10 : 0}}` };
  });
  const server = openModelServer({ url: served.url, model: "small", concurrency: 1, store: join(folder, "answers.jsonl") });
  await using pool = createVerifierPool();
  const steps = [
    measureDifficulty({ answerer: serverAnswerer(server, { temperature: 1, maxTokens: 64 }), rollouts: 4, pool }),
    keepDifficulty({ model: "small", rollouts: 4 }),
  ];
  await expect(run("difficulty", steps)).rejects.toThrow("status 400");
  const result = await run("difficulty", steps);
  expect(served.requests).toHaveLength(21);
  expect(result.steps[1]!.facts["failed_rollouts"]).toEqual([1, 1, 1, 1, 1]);
  expect(result.steps[2]!.dropped).toEqual({ "too-easy": 1, "too-hard": 1 });
  const rows = await loadPrompts(join(folder, "difficulty.parquet"));
  expect(rows.map(({ extraInfo }) => extraInfo["model_difficulty"])).toEqual([3, 2, 1].map((small) => ({ old: 3, small })));
  server.close();
  await served.close();
});

test("votes: problems with too few valid ones go, a vote without a verdict is none", async () => {
  // Judge `a` finds problem i valid in i of 4 votes; judge `b` never says.
  const served = await startUnreliableServer(({ model, messages, seed }) => {
    const i = Number(/What is (\d+)/.exec(messages.at(-1)!.content)![1]);
    return { text: model === "a" ? `none\n**Verdict:** ${seed! < i ? "valid" : "invalid"}` : "I cannot say." };
  });
  const judges = ["a", "b"].map((model) => openModelServer({ url: served.url, model }));
  const { steps, rowsWritten } = await run("votes", [voteQuality({ judges, votes: 4, keep: 3 })]);
  expect(steps[1]).toMatchObject({
    dropped: { "low-quality": 3 },
    facts: { votes_without_verdict: 20, valid_votes: [1, 1, 1, 1, 1, 0, 0, 0, 0] },
  });
  expect(rowsWritten).toBe(2);
  for (const judge of judges) judge.close();
  await served.close();
});

test("verdicts", () => {
  expect(
    ["Verdict: valid", "verdict: INVALID", "Verdict: valid … no, Verdict: **invalid**", "valid", "Verdict: validated"].map(readVerdict),
  ).toEqual(["valid", "invalid", "invalid", undefined, undefined]);
});
