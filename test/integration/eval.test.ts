// `longcot eval` on a run's checkpoints gives the figures of the run's own report; a server is asked once for each sample.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readLog } from "@longcot/durable-files";
import { startUnreliableServer } from "@longcot/vitest-config/unreliable-server";
import type { EvalOutcome } from "@longcot/train/src/eval/eval-outcome.ts";
import { loadPrompts } from "@longcot/data-filter";
import type { EvaluationRecord } from "@longcot/train/src/run/records.ts";
import { expect, inject, test } from "vitest";
import { runLongcot } from "./longcot-process.ts";
import { scratchFolder } from "./scratch-folder.ts";

const { run } = inject("reference");
const folder = scratchFolder();

test("the newest checkpoint reproduces the final evaluation to the digit, by run and by model", async () => {
  const final = readLog<EvaluationRecord>(join(run, "evaluations.jsonl")).at(-1)!;
  const model = join(run, "checkpoints", "step-000006", "model");
  for (const args of [
    ["--run", run],
    ["--model", model, "--benchmark", join(run, "data", "heldout.parquet")],
  ]) {
    const { code, stdout, stderr } = await runLongcot("eval", ...args, "--json", "--out", join(folder, args[0]!));
    expect(code, stderr).toBe(0);
    const [result] = (JSON.parse(stdout) as EvalOutcome).results;
    const figures = [...result!.groups, result!.overall].map(({ group, problems, avg_at_k: avg, pass_at_k: pass }) => ({
      level: group,
      prompts: problems,
      avg_at_k: avg.value,
      avg_at_k_low: avg.low,
      avg_at_k_high: avg.high,
      pass_at_k: pass.value,
      pass_at_k_low: pass.low,
      pass_at_k_high: pass.high,
    }));
    expect(figures).toEqual(final.results);
  }
  const samples = readFileSync(join(folder, "--run", "heldout.samples.jsonl"), "utf8");
  expect(samples.trimEnd().split("\n")).toHaveLength(1 + 8 * 2);
});

test("a server that fails midway: the second try asks for the rest only; published figures stand beside", async () => {
  const benchmark = join(folder, "sums.jsonl");
  const row = (i: number) => ({
    data_source: "sums",
    prompt: [{ role: "user", content: `What is ${i} + 1?` }],
    ability: "math",
    reward_model: { style: "rule", ground_truth: String(i + 1) },
  });
  writeFileSync(benchmark, [0, 1, 2].map((i) => `${JSON.stringify(row(i))}\n`).join(""));
  expect(await loadPrompts(benchmark)).toHaveLength(3);
  // Problem i is right in i of 2 samples.
  const served = await startUnreliableServer(({ messages, seed }, number) => {
    const i = Number(/What is (\d)/.exec(messages.at(-1)!.content)![1]);
    return number === 4 ? { status: 400 } : { text: seed! < i ? `\\boxed{${i + 1}}` : "\\boxed{99}" };
  });
  const out = join(folder, "server");
  const args = ["--server", served.url, "--server-model", "org/small", "--benchmark", `aime24=${benchmark}`, "--k", "2"];
  const evaluate = () => runLongcot("eval", ...args, "--concurrency", "1", "--out", out, "--against", "published", "--json");
  const first = await evaluate();
  expect([first.code, first.stderr]).toEqual([1, expect.stringContaining("status 400")]);
  const second = await evaluate();
  await served.close();
  expect(second.code, second.stderr).toBe(0);
  expect(served.requests).toHaveLength(7);
  expect(served.requests[0]).toMatchObject({ max_tokens: 32_768 });
  const { results, published } = JSON.parse(second.stdout) as EvalOutcome;
  expect(results[0]).toMatchObject({ overall: { avg_at_k: { value: 0.5 }, cons_at_k: { value: 2 / 3 } }, correct_per_problem: [0, 1, 2] });
  expect(published.find(({ model }) => model === "Skywork-OR1-7B")?.scores).toEqual({ aime24: 70.2 });
  expect(readFileSync(join(out, "report.html"), "utf8")).toContain("Skywork-OR1-7B");
});

test("wrong flags are one line", async () => {
  const both = await runLongcot("eval", "--run", run, "--model", run, "--benchmark", "x");
  expect([both.code, both.stderr]).toEqual([
    1,
    "longcot eval: options: expected one of --model DIR, --run DIR and --server URL, got --model and --run\n",
  ]);
  const step = await runLongcot("eval", "--run", run, "--step", "5");
  expect([step.code, step.stderr]).toEqual([1, "longcot eval: --step: expected one of 4, 6, got 5\n"]);
});
