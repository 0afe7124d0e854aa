// A reward model that scores an evaluation's samples.
import { openEngine } from "@longcot/tensor-kernels";
import type { PromptRow } from "@longcot/data-filter";
import type { StepAggregation } from "@longcot/reward-model";
import type { EngineFlags } from "../cli/engine-options.ts";
import { openAnswerScorer } from "../reward-model/answer-scorer.ts";
import type { GradedSample } from "./sample-log.ts";

export interface SampleScorer {
  /** One score a sample, unbounded: of a process reward model the logit of what its steps come to. */
  score(
    rows: readonly PromptRow[],
    samples: readonly GradedSample[],
    options: { signal: AbortSignal; onProgress: (progress: { done: number; total: number }) => void },
  ): Promise<Float32Array>;
  close(): Promise<void>;
}

/** The reward model `reference`, a folder or a name on the hub, on an engine of its own. */
export async function openSampleScorer(
  reference: string,
  { engine: kind, threads, aggregate }: EngineFlags & { aggregate?: StepAggregation | undefined },
): Promise<SampleScorer> {
  const engine = await openEngine({ engine: kind, threads });
  try {
    const scorer = await openAnswerScorer(engine, reference, { name: "reward-model", ...(aggregate === undefined ? {} : { aggregate }) });
    return {
      async score(rows, samples, { signal, onProgress }) {
        const scores = await scorer.score(
          samples.map(({ problem, text, truncated }) => ({ prompt: rows[problem]!.messages, text, truncated })),
          (state) => {
            signal.throwIfAborted();
            onProgress(state);
          },
        );
        return scorer.kind === "process" ? scores.map(logit) : scores;
      },
      close: () => engine.close(),
    };
  } catch (error) {
    await engine.close();
    throw error;
  }
}

/** Nearer to 0 and 1 than this, probabilities count as that far from them: float32 sigmoids reach both. */
const NEAREST = 1e-7;

function logit(probability: number): number {
  const p = Math.min(Math.max(probability, NEAREST), 1 - NEAREST);
  return Math.log(p) - Math.log1p(-p);
}
