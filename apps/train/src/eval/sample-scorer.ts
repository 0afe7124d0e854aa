// A reward model that scores an evaluation's samples.
import { openEngine } from "@longcot/tensor-kernels";
import type { PromptRow } from "@longcot/data-filter";
import type { EngineFlags } from "../cli/engine-options.ts";
import { openAnswerScorer } from "../reward-model/answer-scorer.ts";
import type { GradedSample } from "./sample-log.ts";

export interface SampleScorer {
  /** One score a sample. */
  score(
    rows: readonly PromptRow[],
    samples: readonly GradedSample[],
    options: { signal: AbortSignal; onProgress: (progress: { done: number; total: number }) => void },
  ): Promise<Float32Array>;
  close(): Promise<void>;
}

/** The reward model `reference`, a folder or a name on the hub, on an engine of its own. */
export async function openSampleScorer(reference: string, { engine: kind, threads }: EngineFlags): Promise<SampleScorer> {
  const engine = await openEngine({ engine: kind, ...(threads === undefined ? {} : { threads }) });
  try {
    const scoreAnswers = await openAnswerScorer(engine, reference, { name: "reward-model" });
    return {
      score: (rows, samples, { signal, onProgress }) =>
        scoreAnswers(
          samples.map(({ problem, text, truncated }) => ({ prompt: rows[problem]!.messages, text, truncated })),
          (state) => {
            signal.throwIfAborted();
            onProgress(state);
          },
        ),
      close: () => engine.close(),
    };
  } catch (error) {
    await engine.close();
    throw error;
  }
}
