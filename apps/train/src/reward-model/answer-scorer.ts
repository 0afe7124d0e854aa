// A reward model as what it is used for: answers in, scores out.
import { encodeExample } from "@longcot/distillation";
import { loadScalarModel, loadTokenizer, sequenceScores } from "@longcot/language-model";
import type { Engine } from "@longcot/tensor-kernels";
import { resolveModel } from "../models/resolve-model.ts";

export interface ScoredAnswer {
  prompt: readonly { readonly role: "system" | "user" | "assistant"; readonly content: string }[];
  text: string;
  /** Cut at its cap: scored as it stands, without an end. */
  truncated: boolean;
}

/** One score an answer, in their order. */
export type AnswerScorer = (
  answers: readonly ScoredAnswer[],
  onProgress?: (progress: { done: number; total: number }) => void,
) => Promise<Float32Array>;

/** The reward model `reference`, a folder or a name on the hub, on `engine`, which holds it under `name`. */
export async function openAnswerScorer(
  engine: Engine,
  reference: string,
  { name, batchTokens }: { name: string; batchTokens?: number },
): Promise<AnswerScorer> {
  const directory = await resolveModel(reference);
  const tokenizer = await loadTokenizer(directory);
  const model = await loadScalarModel(engine, directory, { name });
  return async (answers, onProgress) => {
    const sequences = answers.map(({ prompt, text, truncated }) => {
      const { tokens } = encodeExample(tokenizer, { messages: [...prompt, { role: "assistant", content: text }] });
      return truncated ? tokens.slice(0, -1) : tokens;
    });
    return await sequenceScores(model, sequences, {
      ...(batchTokens === undefined ? {} : { batchTokens }),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
  };
}
