// The work of `longcot reward-model evaluate`: a trained reward model on pairs, with its report.
import { mkdirSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { atomicWrite } from "@longcot/durable-files";
import { loadScalarModel, loadTokenizer } from "@longcot/language-model";
import { openEngine } from "@longcot/tensor-kernels";
import type { EngineFlags } from "../cli/engine-options.ts";
import { resolveModel } from "../models/resolve-model.ts";
import { measurePairs } from "./measure-pairs.ts";
import type { PairMeasures } from "./measure-pairs.ts";
import { loadTokenPairs } from "./pair-data.ts";
import { renderRewardReport } from "./reward-report.ts";

export interface EvaluateOptions extends EngineFlags {
  model: string;
  pairs: string[];
  out: string;
  warn: (text: string) => void;
  onProgress: (progress: { done: number; total: number; text: string }) => void;
}

export interface EvaluatedRewardModel {
  model: string;
  engine: string;
  report: string;
  measures: PairMeasures;
}

/** Writes results.json, with every score, and report.html into `out`. */
export async function evaluateRewardModel({
  model,
  pairs: files,
  out,
  warn,
  onProgress,
  ...flags
}: EvaluateOptions): Promise<EvaluatedRewardModel> {
  const { engine: kind, threads } = flags;
  const engine = await openEngine({ engine: kind, ...(threads === undefined ? {} : { threads }) });
  try {
    const directory = await resolveModel(model);
    const scorer = await loadScalarModel(engine, directory);
    const tokenizer = await loadTokenizer(directory);
    const pairs = await loadTokenPairs(files, { tokenizer, most: scorer.config.maxPositionEmbeddings, useMargins: false, warn });
    const measures = await measurePairs(scorer, pairs, {
      onProgress: ({ done, total }) => onProgress({ done, total, text: `${done} of ${total} answers` }),
    });
    const report = join(out, "report.html");
    const outcome = { model, engine: engine.description, report, measures };
    mkdirSync(out, { recursive: true });
    atomicWrite(join(out, "results.json"), `${JSON.stringify(outcome, undefined, 2)}\n`);
    atomicWrite(
      report,
      renderRewardReport({ name: basename(resolve(model)), pairs: pairs.length, engine: engine.description, metrics: [], measures }),
    );
    return outcome;
  } finally {
    await engine.close();
  }
}
