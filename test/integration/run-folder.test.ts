// The folder of a finished run: what is in it, and that every part can be read back by what reads such files.
import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readLog } from "@longcot/durable-files";
import { loadLanguageModel, score } from "@longcot/language-model";
import { readRolloutFile } from "@longcot/rollout-buffer";
import { openEngine } from "@longcot/tensor-kernels";
import { expectClose } from "@longcot/vitest-config/close-to";
import type { Metrics } from "@longcot/train/src/events.ts";
import { loadRecipe, resolveRecipe } from "@longcot/train/src/recipe/load-recipe.ts";
import { expect, inject, test } from "vitest";
import { eventsOf, runLongcot, TINY_RECIPE } from "./longcot-process.ts";
import { hashFiles, TINY_STEPS } from "./run-outcome.ts";
import { scratchFolder } from "./scratch-folder.ts";

const { run, finished } = inject("reference");
const metrics = readLog<Metrics>(join(run, "metrics.jsonl"));
const rolloutPath = (step: number) => join(run, "rollouts", `step-${String(step).padStart(6, "0")}.arrow`);

test("holds what it should, and nothing half-written", () => {
  const model = ["config.json", "model.safetensors", "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json"];
  const found = Object.keys(hashFiles(run)).map((path) => path.replace(/(tfevents)\..*/, "$1"));
  expect(found.toSorted()).toEqual(
    [
      ".lock",
      "environment.json",
      "evaluations.jsonl",
      "metrics.jsonl",
      "pass-rates.jsonl",
      "recipe.yaml",
      "samples.jsonl",
      ...["cold-start.parquet", "heldout.parquet", "train.parquet", ...model.slice(2).map((name) => `tokenizer/${name}`)].map(
        (name) => `data/${name}`,
      ),
      ...[4, 6].flatMap((step) =>
        [...model.map((name) => `model/${name}`), "optimizer.safetensors", "state.json"].map(
          (name) => `checkpoints/step-00000${step}/${name}`,
        ),
      ),
      ...[1, 2, 3, 4, 5, 6].map((step) => `rollouts/step-00000${step}.arrow`),
      "report/index.html",
      "report/summary.svg",
      "tensorboard/events.out.tfevents",
    ].toSorted(),
  );
  expect(finished.stderr).toBe("");
  expect(eventsOf(finished).at(-1)).toEqual({
    type: "done",
    status: "completed",
    folder: run,
    report: join(run, "report", "index.html"),
    online_filter: [{ stage: "long", prompts: 63, dropped: 1 }],
  });
});

test("recipe.yaml is the recipe with every default, and loads to the same", () => {
  const text = readFileSync(join(run, "recipe.yaml"), "utf8");
  expect(resolveRecipe({ text, label: "recipe.yaml" }).recipe).toEqual(loadRecipe({ source: TINY_RECIPE }).recipe);
  expect(text).toContain("max_grad_norm: 1\n");
});

test("metrics.jsonl has a line per step, sorted keys, and no metric that docs/metrics.md does not explain", () => {
  expect(metrics.map((step) => step["training/global_step"])).toEqual([1, 2, 3, 4, 5, 6]);
  const documented = documentedMetrics();
  for (const step of metrics) {
    expect(Object.keys(step)).toEqual(Object.keys(step).toSorted());
    expect(Object.keys(step).filter((name) => !documented.some((pattern) => pattern.test(name)))).toEqual([]);
  }
  const logged = [...new Set(metrics.flatMap((step) => Object.keys(step)))];
  const missing = documentedMetrics({ ofEveryRun: true }).filter(
    (pattern) => !logged.some((name) => pattern.test(name)) && !pattern.source.includes("val-core"),
  );
  expect(missing).toEqual([]);
  expect(metrics.filter((step) => "actor/grad_norm" in step).length).toBeGreaterThanOrEqual(TINY_STEPS / 2);
});

/** Names in backquotes at the head of a table's row; `…/max` stands for the name before it with another end, `<level>` for any text. */
function documentedMetrics({ ofEveryRun = false } = {}): RegExp[] {
  const names = new Set<string>();
  const whole = readFileSync(fileURLToPath(new URL("../../docs/metrics.md", import.meta.url)), "utf8");
  const text = ofEveryRun ? whole.replace(/^## (?:Of some recipes|Supervised fine-tuning|Reward models)$.*?(?=^## )/gms, "") : whole;
  for (const [, cell] of text.matchAll(/^\| (`[^|]*) \|/gm)) {
    let stem = "";
    for (const [, name] of cell!.matchAll(/`([^`]+)`/g)) {
      if (!name!.startsWith("…")) stem = name!.slice(0, name!.lastIndexOf("/"));
      names.add(name!.replace("…", stem));
    }
  }
  return [...names].map((name) => new RegExp(`^${name.replaceAll(".", "\\.").replaceAll(/<[^>]+>/g, ".+")}$`));
}

test("rollout files hold every response, and the metrics follow from them", async () => {
  for (const [i, step] of metrics.entries()) {
    const rollouts = await readRolloutFile(rolloutPath(i + 1));
    const rewards = rollouts.viewPerRow("reward");
    expect(rewards.length).toBe(16);
    expect(Array.from(rewards).reduce((sum, reward) => sum + reward, 0) / 16).toBe(step["critic/score/mean"]);
    expect(rollouts.responseTokenCount / 16).toBe(step["response_length/mean"]);
    // Generation and training compute the same probabilities by different programs.
    expectClose(rollouts.viewPerToken("rollout_log_probs").values, rollouts.viewPerToken("old_log_probs").values, { atol: 1e-4 });
  }
});

test("the second stage leaves out what the rollouts of the first solved, three of four right, and the report says so", async () => {
  const solved = new Set<number>();
  const metAgain: number[] = [];
  for (let step = 1; step <= TINY_STEPS; step++) {
    const rollouts = await readRolloutFile(rolloutPath(step));
    const rewards = rollouts.viewPerRow("reward");
    for (const { promptId, from, to } of rollouts.groups()) {
      if (step > 3) metAgain.push(promptId);
      else if (rewards.slice(from, to).reduce((sum, reward) => sum + reward, 0) >= 3) solved.add(promptId);
      else solved.delete(promptId);
    }
  }
  expect(solved.size).toBe(1);
  expect(metAgain.filter((promptId) => solved.has(promptId))).toEqual([]);
  expect(metrics.map((step) => step["online_filter/dropped"])).toEqual([0, 0, 0, 1, 1, 1]);
  expect(readFileSync(join(run, "report", "index.html"), "utf8")).toContain("Online filter: 1 of 64 prompts dropped before stage long");
});

const PYTHON = process.env["LONGCOT_PYTHON"] ?? "python3";
const hasPyarrow = spawnSync(PYTHON, ["-c", "import pyarrow"]).status === 0;
test.skipIf(!hasPyarrow)("pyarrow reads the rollout files", () => {
  const script =
    "import sys, pyarrow.ipc as ipc\nfor path in sys.argv[1:]:\n  t = ipc.open_file(path).read_all(); t.validate(full=True); print(t.num_rows)";
  const paths = readdirSync(join(run, "rollouts")).map((name) => join(run, "rollouts", name));
  expect(execFileSync(PYTHON, ["-c", script, ...paths], { encoding: "utf8" })).toBe("16\n".repeat(TINY_STEPS));
});

test("the checkpoint of step 4 scores the answers of step 5 as the run did, in this process and by `longcot score`", async () => {
  const folder = join(run, "checkpoints", "step-000004", "model");
  const rollouts = await readRolloutFile(rolloutPath(5));
  const prompts = rollouts.viewPerToken("prompt_tokens");
  const responses = rollouts.viewPerToken("response_tokens");
  const part = (column: { values: ArrayLike<number>; offsets: ArrayLike<number> }, row: number) =>
    Array.from(column.values).slice(column.offsets[row]!, column.offsets[row + 1]!);
  const sequences = Array.from({ length: 16 }, (_, row) => Int32Array.from([...part(prompts, row), ...part(responses, row)]));
  const engine = await openEngine();
  const scores = await loadLanguageModel(engine, folder)
    .then((model) => score(model, sequences, { temperature: 1 }))
    .finally(() => engine.close());

  const input = join(scratchFolder(), "sequences.jsonl");
  const out = `${input}.scores`;
  writeFileSync(input, sequences.map((ids, id) => `${JSON.stringify({ id: String(id), input_ids: Array.from(ids) })}\n`).join(""));
  expect(await runLongcot("score", "--model", folder, "--input", input, "--out", out)).toMatchObject({ code: 0 });
  const rows = readLog<{ id: string; log_probs: number[]; entropies: number[] }>(out);

  const [logProbs, entropies] = [rollouts.viewPerToken("old_log_probs"), rollouts.viewPerToken("entropies")];
  for (const row of sequences.keys()) {
    const promptLength = part(prompts, row).length;
    const { logProbs: own, entropies: ownEntropies } = scores[row]!;
    // Token t + 1 is scored at place t, and the buffer holds the response's tokens only.
    expectClose(own.slice(-part(responses, row).length), part(logProbs, row), { atol: 1e-5 });
    expectClose(ownEntropies.slice(-part(responses, row).length), part(entropies, row), { atol: 1e-5 });
    expect(rows[row]!.id).toBe(String(row));
    expectClose(rows[row]!.log_probs.slice(promptLength - 1), part(logProbs, row), { atol: 1e-5 });
    expectClose(rows[row]!.entropies.slice(promptLength - 1), part(entropies, row), { atol: 1e-5 });
  }
});
