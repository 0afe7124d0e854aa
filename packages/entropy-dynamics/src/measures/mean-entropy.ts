// Entropy of a batch of rollouts as one number: from sampled log-probabilities or from full distributions.
import { checkTokenCount, meanOverTokens } from "./token-columns.ts";
import type { TokenMask } from "./token-columns.ts";

/**
 * Returns `−mean(log p(token))` over the counted tokens: the Monte-Carlo estimate of the policy's entropy, which the
 * adaptive controller observes. Over all kept tokens of the step, whichever micro-batch or worker they came from.
 *
 * Shapes: `logProbs` [tokens], `mask` [tokens]. Units: nats. Precision: float64 sum.
 *
 * @throws ShapeError when lengths differ. @throws NumericError when no token counts or a counted one is not finite.
 * Source: arXiv 2505.22312 §3.2.5; SkyworkAI/Skywork-OR1 verl/workers/actor/dp_actor.py get_entropy_metric.
 */
export function monteCarloEntropy(columns: { readonly logProbs: ArrayLike<number> } & TokenMask): number {
  const who = "monteCarloEntropy";
  const { logProbs, mask } = columns;
  checkTokenCount(who, "mask", mask, logProbs.length);
  return meanOverTokens(who, logProbs.length, mask, (token) => -logProbs[token]!);
}

/**
 * Returns the mean of full-vocabulary entropies over the counted tokens.
 *
 * Shapes: `entropies` [tokens], `mask` [tokens]. Units: nats. Precision: float64 sum.
 *
 * @throws ShapeError when lengths differ. @throws NumericError when no token counts or a counted one is not finite.
 */
export function meanEntropy(columns: { readonly entropies: ArrayLike<number> } & TokenMask): number {
  const who = "meanEntropy";
  const { entropies, mask } = columns;
  checkTokenCount(who, "mask", mask, entropies.length);
  return meanOverTokens(who, entropies.length, mask, (token) => entropies[token]!);
}
