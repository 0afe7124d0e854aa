// A reward model as what it is used for: answers in, scores out.
import { encodeExample } from "@longcot/distillation";
import { ConfigError } from "@longcot/errors";
import { loadScalarModel, loadTokenizer, sequenceScores, tokenScalars } from "@longcot/language-model";
import type { ScalarModel, Tokenizer } from "@longcot/language-model";
import { aggregateSteps, splitSteps } from "@longcot/reward-model";
import type { StepAggregation } from "@longcot/reward-model";
import type { Engine } from "@longcot/tensor-kernels";
import { resolveModel } from "../models/resolve-model.ts";
import { encodeSteps } from "./encode-steps.ts";
import { probabilityOf } from "./measure-steps.ts";
import { readStepSeparator } from "./process-file.ts";

export interface ScoredAnswer {
  prompt: readonly { readonly role: "system" | "user" | "assistant"; readonly content: string }[];
  text: string;
  /** Cut at its cap: scored as it stands, without an end. */
  truncated: boolean;
}

export interface AnswerScorer {
  /** `outcome`: unbounded scores; `process`: from 0 to 1, of many steps one. */
  kind: "outcome" | "process";
  /** One score an answer, in their order. */
  score(answers: readonly ScoredAnswer[], onProgress?: (progress: { done: number; total: number }) => void): Promise<Float32Array>;
}

export interface AnswerScorerOptions {
  /** Of the model on the engine. */
  name: string;
  batchTokens?: number;
  /** How a process reward model's steps become one score; absent: `min`. */
  aggregate?: StepAggregation;
}

/**
 * The reward model `reference`, a folder or a name on the hub, on `engine`: an outcome model (a sequence classifier) or a process model (a token classifier).
 * @throws ConfigError where steps of an outcome model are to be aggregated; DataError where a process model's folder does not say how steps are cut.
 */
export async function openAnswerScorer(
  engine: Engine,
  reference: string,
  { name, batchTokens, aggregate }: AnswerScorerOptions,
): Promise<AnswerScorer> {
  const directory = await resolveModel(reference);
  const tokenizer = await loadTokenizer(directory);
  const model = await loadScalarModel(engine, directory, { name });
  const options = (onProgress: ((progress: { done: number; total: number }) => void) | undefined) => ({
    ...(batchTokens === undefined ? {} : { batchTokens }),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  if (model.head === "token-scalar") {
    const separator = readStepSeparator(directory);
    return {
      kind: "process",
      score: (answers, onProgress) =>
        processScores(model, answers, { tokenizer, separator, aggregate: aggregate ?? "min", options: options(onProgress) }),
    };
  }
  if (aggregate !== undefined)
    throw new ConfigError({
      who: reference,
      argument: "aggregate",
      expected: "absent, since the model scores whole answers",
      received: aggregate,
    });
  return {
    kind: "outcome",
    score: (answers, onProgress) => {
      const sequences = answers.map(({ prompt, text, truncated }) => {
        const { tokens } = encodeExample(tokenizer, { messages: [...prompt, { role: "assistant", content: text }] });
        return truncated ? tokens.slice(0, -1) : tokens;
      });
      return sequenceScores(model, sequences, options(onProgress));
    },
  };
}

async function processScores(
  model: ScalarModel,
  answers: readonly ScoredAnswer[],
  {
    tokenizer,
    separator,
    aggregate,
    options,
  }: {
    tokenizer: Tokenizer;
    separator: string;
    aggregate: StepAggregation;
    options: { batchTokens?: number; onProgress?: (progress: { done: number; total: number }) => void };
  },
): Promise<Float32Array> {
  const encoded = answers.map(({ prompt, text, truncated }) =>
    encodeSteps(tokenizer, { prompt, steps: splitSteps(text, separator), separator, truncated }),
  );
  const logits = await tokenScalars(
    model,
    encoded.map(({ tokens }) => tokens),
    options,
  );
  return Float32Array.from(encoded, ({ ends }, i) =>
    aggregateSteps(
      ends.map((end) => probabilityOf(logits[i]![end]!)),
      aggregate,
    ),
  );
}
