// The work of `longcot reward-model evaluate`: a trained reward model on pairs, or one of steps on labelled steps, with its report.
import { mkdirSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { atomicWrite } from "@longcot/durable-files";
import { ConfigError } from "@longcot/errors";
import { loadScalarModel, loadTokenizer } from "@longcot/language-model";
import { openEngine } from "@longcot/tensor-kernels";
import type { EngineFlags } from "../cli/engine-options.ts";
import { resolveModel } from "../models/resolve-model.ts";
import { measurePairs } from "./measure-pairs.ts";
import type { PairMeasures } from "./measure-pairs.ts";
import { measureSteps } from "./measure-steps.ts";
import type { AnswerStepMeasures } from "./measure-steps.ts";
import { loadTokenPairs } from "./pair-data.ts";
import type { Measured } from "./reward-task.ts";
import { renderRewardReport } from "./reward-report.ts";
import { loadLabelledSteps } from "./step-data.ts";

export interface EvaluateOptions extends EngineFlags {
  model: string;
  /** One of them. */
  pairs?: string[];
  steps?: string[];
  out: string;
  warn: (text: string) => void;
  onProgress: (progress: { done: number; total: number; text: string }) => void;
}

export interface EvaluatedRewardModel {
  model: string;
  engine: string;
  report: string;
  /** Of pairs. */
  measures?: PairMeasures;
  /** Of labelled steps. */
  step_measures?: AnswerStepMeasures;
}

/** Writes results.json, with every score, and report.html into `out`. */
export async function evaluateRewardModel({
  model,
  pairs,
  steps,
  out,
  warn,
  onProgress,
  ...flags
}: EvaluateOptions): Promise<EvaluatedRewardModel> {
  const { engine: kind, threads } = flags;
  if ((pairs === undefined) === (steps === undefined))
    throw new ConfigError({
      who: "options",
      expected: "--pairs FILE… or --steps FILE…",
      received: pairs === undefined ? "neither" : "both",
    });
  const engine = await openEngine({ engine: kind, threads });
  try {
    const directory = await resolveModel(model);
    const scorer = await loadScalarModel(engine, directory);
    const tokenizer = await loadTokenizer(directory);
    const expected = pairs === undefined ? "token-scalar" : "scalar";
    if (scorer.head !== expected)
      throw new ConfigError({
        who: model,
        expected:
          pairs === undefined
            ? "a process reward model (a token classifier), for --steps"
            : "a reward model of answers (a sequence classifier), for --pairs",
        received: pairs === undefined ? "one of answers" : "one of steps",
      });
    const most = scorer.config.maxPositionEmbeddings;
    const progress = ({ done, total }: { done: number; total: number }) => onProgress({ done, total, text: `${done} of ${total} answers` });
    const measured: Measured =
      pairs === undefined
        ? {
            steps: await measureSteps(scorer, (await loadLabelledSteps(steps!, { tokenizer, most, targets: "soft", warn })).answers, {
              onProgress: progress,
            }),
          }
        : {
            pairs: await measurePairs(scorer, await loadTokenPairs(pairs, { tokenizer, most, useMargins: false, warn }), {
              onProgress: progress,
            }),
          };
    const report = join(out, "report.html");
    const outcome: EvaluatedRewardModel = {
      model,
      engine: engine.description,
      report,
      ...(measured.pairs === undefined ? {} : { measures: measured.pairs }),
      ...(measured.steps === undefined ? {} : { step_measures: measured.steps }),
    };
    mkdirSync(out, { recursive: true });
    atomicWrite(join(out, "results.json"), `${JSON.stringify(outcome, undefined, 2)}\n`);
    atomicWrite(report, renderRewardReport({ name: nameOf(model), engine: engine.description, metrics: [], measured }));
    return outcome;
  } finally {
    await engine.close();
  }
}

/** What a report calls the model in `directory`: a run's is called as the run. */
function nameOf(directory: string): string {
  const path = resolve(directory);
  return basename(path) === "model" ? basename(dirname(path)) : basename(path);
}
