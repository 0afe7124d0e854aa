// Log-probabilities and entropies of a step's responses under the weights that its updates start from.

import { score } from "@longcot/language-model";
import type { DistributionTerm, SequenceScore } from "@longcot/language-model";
import { advantageEstimators } from "@longcot/ppo-loss";
import * as tf from "@tensorflow/tfjs-core";
import type { EmitEvent } from "../events.ts";
import type { Recipe } from "../recipe/schema.ts";
import type { PreparedModel } from "./prepare-model.ts";
import type { Answers } from "./rollout.ts";

/** Of each response's tokens, nats: a list per response. */
export interface TokenScores {
  logProbs: readonly Float32Array[];
  entropies: readonly Float32Array[];
  /** Σ π² over the vocabulary at each token, where the estimator needs it. */
  sumPiSquared?: readonly Float32Array[];
}

/** Prompt and response of every answer, end to end. */
export function answerSequences({ prompts, groupSize, responses }: Answers): Int32Array[] {
  return responses.map(({ tokens }, row) => Int32Array.from([...prompts[Math.floor(row / groupSize)]!.tokens, ...tokens]));
}

/** What follows the prompt of each answer in a column of its sequence. */
export function ofResponses({ prompts, groupSize }: Answers, columns: readonly Float32Array[]): Float32Array[] {
  return columns.map((values, row) => values.slice(prompts[Math.floor(row / groupSize)]!.tokens.length));
}

/** Those of every response at the rollout's temperature: as they came with the responses, else scored. */
export async function oldScores(
  answers: Answers,
  { recipe, prepared, emit }: { recipe: Recipe; prepared: PreparedModel; emit: EmitEvent },
): Promise<TokenScores> {
  const known = knownScores(answers);
  const needs: readonly string[] = advantageEstimators[recipe.advantages.estimator].needs;
  const needsSquares = needs.includes("sumPiSquared");
  if (known !== undefined && !needsSquares) return known;
  const scores = await score(prepared.model, answerSequences(answers), {
    temperature: recipe.rollout.temperature,
    batchTokens: recipe.loss.micro_batch_tokens,
    ...(needsSquares && { distribution: { sumPiSquared } }),
    onProgress: ({ done, total }) => emit({ type: "phase", phase: "old_log_prob", completed: done, total, unit: "responses" }),
  });
  const column = (of: (score: SequenceScore) => Float32Array): Float32Array[] => ofResponses(answers, scores.map(of));
  return {
    ...(known ?? { logProbs: column(({ logProbs }) => logProbs), entropies: column(({ entropies }) => entropies) }),
    ...(needsSquares && { sumPiSquared: column(({ distribution }) => distribution!["sumPiSquared"]!) }),
  };
}

const sumPiSquared: DistributionTerm = (logits) => tf.sum(tf.square(tf.softmax(logits)), -1);

/** What the sampler or a replayed file says, if it is to be taken. */
function knownScores({ responses }: Answers): TokenScores | undefined {
  const logProbs = responses.flatMap(({ oldLogProbs }) => oldLogProbs ?? []);
  const entropies = responses.flatMap((response) => response.entropies ?? []);
  return logProbs.length === responses.length && entropies.length === responses.length ? { logProbs, entropies } : undefined;
}

/** Log-probabilities of the response tokens of rows of sealed rollouts under the model as it is. */
export async function scoreRows(
  { model }: PreparedModel,
  views: readonly { promptTokens: ArrayLike<number>; responseTokens: ArrayLike<number> }[],
  recipe: Recipe,
): Promise<Float32Array[]> {
  const sequences = views.map(({ promptTokens, responseTokens }) =>
    Int32Array.from([...Array.from(promptTokens), ...Array.from(responseTokens)]),
  );
  const scores = await score(model, sequences, { temperature: recipe.rollout.temperature, batchTokens: recipe.loss.micro_batch_tokens });
  return scores.map(({ logProbs }, i) => logProbs.subarray(views[i]!.promptTokens.length));
}
