// Offline analysis of a run's folder: the measures of every step from its rollouts, and what other clipping rules would have stopped.
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { clippedByRule, ratioStatistics } from "@longcot/entropy-dynamics";
import { ConfigError, DataError } from "@longcot/errors";
import { loadTokenizer } from "@longcot/language-model";
import { DEFAULT_MATH_POLICY } from "@longcot/verifiers";
import type { EmitEvent, Metrics } from "../events.ts";
import type { Recipe } from "../recipe/schema.ts";
import { checkpointName, findCheckpoint, findCheckpointBefore } from "../run/checkpoints.ts";
import { writeTable } from "../run/data-table.ts";
import { readRecords } from "../run/records.ts";
import { listRolloutSteps, RolloutStore } from "../run/rollout-store.ts";
import { readRunRecipe } from "../run/run-folder.ts";
import { thinkingOf } from "../models/prompt-tokens.ts";
import { settleStages } from "../training/plateau.ts";
import type { Analysis, WhatIf } from "./analysis.ts";
import { keptRows, measureRollouts } from "./measure-rollouts.ts";
import type { TextReader } from "./measure-rollouts.ts";
import { replayUpdates } from "./replay-updates.ts";
import { ownRule, parseRule } from "./what-if-rule.ts";
import type { NamedRule } from "./what-if-rule.ts";

export interface AnalyseOptions {
  run: string;
  /** Folder for the tables. */
  out: string;
  /** Clipping rules as `--what-if` takes them; none: nothing is replayed. */
  rules: readonly string[];
  /** Step of the checkpoint to replay from; absent: the oldest one that is followed by rollouts. */
  checkpoint?: number;
  signal: AbortSignal;
  emit: EmitEvent;
}

/** A line of what-if.csv. */
interface WhatIfRow extends WhatIf {
  step: number;
  update: number;
  ratio_mean: number;
  ratio_max: number;
  ratio_min: number;
  k3: number;
}

/** @throws ConfigError, DataError for a folder that is no run, a rule that is none, or a checkpoint that is not there. */
export async function analyseRun({ run, out, rules, checkpoint: wanted, signal, emit }: AnalyseOptions): Promise<Analysis> {
  const recipe = readRunRecipe(run);
  const named = rules.map((text) => parseRule(text, recipe));
  const { metrics, evaluations } = readRecords(run);
  const store = new RolloutStore(run);
  const logged = new Set(metrics.map((line) => line["training/global_step"]));
  const steps = listRolloutSteps(run).filter((step) => logged.has(step));
  if (steps.length === 0)
    throw new DataError({ who: "analyse", argument: run, expected: "rollouts of at least one finished step", received: "none" });

  const reader = await textReader(run, emit);
  const measures: Metrics[] = [];
  for (const [done, step] of steps.entries()) {
    if (signal.aborted) break;
    emit({ type: "phase", phase: "data", completed: done, total: steps.length, unit: "steps" });
    measures.push(await measureStep(store, step, recipe, metrics, reader));
  }
  mkdirSync(out, { recursive: true });
  writeTable(join(out, "measures"), measures, new Set());
  const files = [join(out, "measures.csv")];
  if (named.length === 0) return { measures, replay: undefined, files };

  const checkpoint = chooseCheckpoint(run, steps, wanted);
  const lastStep = steps.at(-1)!;
  const rows: WhatIfRow[] = [];
  const replayed: number[] = [];
  let largestDeviation = 0;
  for await (const step of replayUpdates({
    recipe: settleStages(recipe, evaluations),
    store,
    checkpoint,
    metrics,
    lastStep,
    signal,
    emit,
  })) {
    replayed.push(step.step);
    largestDeviation = Math.max(largestDeviation, Math.abs(step.clipFraction.replayed - step.clipFraction.logged));
    step.miniBatches.forEach((batch, i) => rows.push(...rulesOn(batch, [ownRule(recipe), ...named], { step: step.step, update: i + 1 })));
    emit({ type: "phase", phase: "update", completed: step.step - checkpoint.step, total: lastStep - checkpoint.step, unit: "steps" });
  }
  writeTable(join(out, "what-if"), rows, new Set(["rule"]));
  files.push(join(out, "what-if.csv"));
  const summary = [ownRule(recipe), ...named].map(({ name }) =>
    weighted(
      name,
      rows.filter((row) => row.rule === name),
    ),
  );
  return { measures, replay: { steps: replayed, rules: summary, largestDeviation }, files };
}

async function measureStep(
  store: RolloutStore,
  step: number,
  recipe: Recipe,
  metrics: readonly Metrics[],
  reader: TextReader | undefined,
): Promise<Metrics> {
  const rollouts = (await store.read(step))!;
  const line = metrics.find((one) => one["training/global_step"] === step)!;
  const alpha = keptRows(rollouts, recipe).length === 0 ? 0 : (line["actor/entropy_coeff_realized"] ?? 0);
  return {
    "training/global_step": step,
    "training/stage": line["training/stage"] ?? 1,
    ...measureRollouts(rollouts, recipe, alpha, reader),
  };
}

/** Reads texts with the tokenizer of the newest checkpoint. */
async function textReader(run: string, emit: EmitEvent): Promise<TextReader | undefined> {
  const { checkpoint } = findCheckpoint(join(run, "checkpoints"));
  const folder = checkpoint === undefined ? undefined : join(checkpoint.folder, "model");
  if (folder === undefined || !existsSync(join(folder, "tokenizer.json"))) {
    emit({ type: "notice", text: "no checkpoint with a tokenizer: diversity, repetition and self-reflection are left out" });
    return undefined;
  }
  const tokenizer = await loadTokenizer(folder);
  return { tokenizer, policy: { ...DEFAULT_MATH_POLICY, thinking: thinkingOf(tokenizer), bareAnswer: "refuse" } };
}

function chooseCheckpoint(run: string, steps: readonly number[], wanted: number | undefined) {
  const root = join(run, "checkpoints");
  const checkpoint = findCheckpointBefore(root, wanted ?? steps[0]! - 1);
  if (wanted !== undefined && checkpoint.step !== wanted)
    throw new ConfigError({ who: "--checkpoint", expected: `a step with a checkpoint in ${root}`, received: checkpointName(wanted) });
  if (checkpoint.step >= steps.at(-1)!)
    throw new ConfigError({
      who: "--what-if",
      expected: "a checkpoint that is followed by rollouts, to replay the updates from",
      received: `${checkpointName(checkpoint.step)} alone`,
      fix: "Train with checkpoint.keep of 2 or more",
    });
  return checkpoint;
}

function rulesOn(
  batch: Parameters<typeof clippedByRule>[0],
  rules: readonly NamedRule[],
  place: { step: number; update: number },
): WhatIfRow[] {
  const ratio = ratioStatistics(batch);
  return rules.map(({ name, rule }) => ({
    ...place,
    rule: name,
    tokens: batch.logProbs.length,
    ...clippedByRule(batch, rule),
    ratio_mean: ratio.mean,
    ratio_max: ratio.max,
    ratio_min: ratio.min,
    k3: ratio.k3,
  }));
}

function weighted(rule: string, rows: readonly WhatIfRow[]): WhatIf {
  const tokens = rows.reduce((sum, row) => sum + row.tokens, 0);
  const mean = (key: "high" | "low" | "other" | "fraction") =>
    tokens === 0 ? 0 : rows.reduce((sum, row) => sum + row[key] * row.tokens, 0) / tokens;
  return { rule, tokens, high: mean("high"), low: mean("low"), other: mean("other"), fraction: mean("fraction") };
}
