// Rewards of a step as advantages, by the estimator of the recipe: one per response, and one per token where the estimator gives that.

import { advantageEstimators, klInReward, outcomeTokenRewards, sumRowRewards, whitenRows } from "@longcot/ppo-loss";
import type { KlEstimator, RowAdvantages, TokenAdvantages } from "@longcot/ppo-loss";
import type { Recipe } from "../recipe/schema.ts";
import { inOrder, offsetsOf } from "./token-order.ts";

export interface RewardedResponses {
  /** [rows] */
  rewards: ArrayLike<number>;
  /** [rows], whether the response was cut at the cap. */
  truncated: ArrayLike<number>;
  groupSize: number;
  /** [rows + 1]: the response tokens of row r are `offsets[r]` to `offsets[r + 1] - 1` of every token column. */
  offsets: Int32Array;
  /** What the policy and the reference thought of the tokens, nats: where KL is in the reward. */
  kl?: { oldLogProbs: Float32Array; refLogProbs: Float32Array; coefficient: number };
  /** [rows], the reward of the greedy response to each row's prompt: for remax. */
  baselines?: ArrayLike<number>;
  /** [tokens], of a critic: for gae. */
  values?: ArrayLike<number>;
  /** [tokens], nats, and Σ π² over the vocabulary: for optimal-token-baseline. */
  oldLogProbs?: ArrayLike<number>;
  sumPiSquared?: ArrayLike<number>;
  /** The groups that count; the others have advantage 0 and no part in statistics over the step. Absent: all. */
  chosen?: readonly number[];
}

export interface StepAdvantages {
  /** [rows]; where the estimator gives one per token, their mean. */
  perRow: Float64Array;
  /** [tokens], where the estimator gives one per token. */
  perToken?: Float32Array;
  /** [tokens], what a critic is fitted to: with `perToken`. */
  returns?: Float32Array;
  /** [rows], what the advantages were estimated from, where that is not the reward itself. */
  penalised?: Float64Array;
  /** Mean over responses of the mean KL estimate of their tokens, nats: where KL is in the reward. */
  kl?: number;
}

/** @throws NumericError where a reward is not finite, or too few tokens are there to whiten. */
export function estimateAdvantages(recipe: Pick<Recipe, "advantages" | "kl">, step: RewardedResponses): StepAdvantages {
  const { chosen, ...all } = step;
  if (chosen === undefined) return estimate(recipe, all);
  const { groupSize, offsets } = step;
  const rows = chosen.flatMap((group) => Array.from({ length: groupSize }, (_, i) => group * groupSize + i));
  const perRow = new Float64Array(offsets.length - 1);
  if (rows.length === 0) return { perRow };
  const estimated = estimate(recipe, takeRows(all, rows));
  rows.forEach((row, i) => (perRow[row] = estimated.perRow[i]!));
  const spread = (values: Float32Array | undefined): Float32Array | undefined => {
    if (values === undefined) return undefined;
    const whole = new Float32Array(offsets.at(-1)!);
    let place = 0;
    for (const row of rows) {
      const length = offsets[row + 1]! - offsets[row]!;
      whole.set(values.subarray(place, place + length), offsets[row]);
      place += length;
    }
    return whole;
  };
  const [perToken, returns] = [spread(estimated.perToken), spread(estimated.returns)];
  return { ...estimated, perRow, ...(perToken && { perToken }), ...(returns && { returns }) };
}

/** The step with these rows alone. */
function takeRows(step: Omit<RewardedResponses, "chosen">, rows: readonly number[]): Omit<RewardedResponses, "chosen"> {
  const { rewards, truncated, groupSize, offsets, kl, baselines, values, oldLogProbs, sumPiSquared } = step;
  const ofRows = (column: ArrayLike<number>): Float64Array => Float64Array.from(rows, (row) => column[row]!);
  const ofTokens = (column: ArrayLike<number>): Float32Array => inOrder(Float32Array.from(column), offsets, rows);
  return {
    rewards: ofRows(rewards),
    truncated: ofRows(truncated),
    groupSize,
    offsets: offsetsOf(rows.map((row) => offsets[row + 1]! - offsets[row]!)),
    ...(kl && { kl: { ...kl, oldLogProbs: ofTokens(kl.oldLogProbs), refLogProbs: ofTokens(kl.refLogProbs) } }),
    ...(baselines && { baselines: ofRows(baselines) }),
    ...(values && { values: ofTokens(values) }),
    ...(oldLogProbs && { oldLogProbs: ofTokens(oldLogProbs) }),
    ...(sumPiSquared && { sumPiSquared: ofTokens(sumPiSquared) }),
  };
}

function estimate(
  { advantages: settings, kl: klSettings }: Pick<Recipe, "advantages" | "kl">,
  step: Omit<RewardedResponses, "chosen">,
): StepAdvantages {
  const { truncated, groupSize, offsets } = step;
  const outcome = (): Float64Array => outcomeTokenRewards({ rewards: step.rewards, offsets });
  const penalty =
    step.kl === undefined
      ? undefined
      : klInReward({
          tokenRewards: outcome(),
          oldLogProbs: step.kl.oldLogProbs,
          referenceLogProbs: step.kl.refLogProbs,
          coefficient: step.kl.coefficient,
          estimator: klSettings!.estimator as KlEstimator,
          offsets,
        });
  const penalised = penalty === undefined ? undefined : sumRowRewards({ tokenRewards: penalty.tokenRewards, offsets });
  const measured = penalty === undefined ? {} : { penalised: penalised!, kl: penalty.kl };

  const { level, estimate: estimator } = advantageEstimators[settings.estimator];
  const { normalize_by_std: normalizeByStd, gamma, lambda, whiten, truncation_mask: truncationMask } = settings;
  if (level === "row") {
    const lengths = Float64Array.from({ length: offsets.length - 1 }, (_, row) => offsets[row + 1]! - offsets[row]!);
    const options = { rewards: penalised ?? step.rewards, groupSize, truncated, truncationMask, lengths, normalizeByStd };
    const { advantages } = (estimator as (options: unknown) => RowAdvantages)(options);
    return { ...measured, perRow: whiten === true ? whitenRows({ advantages, lengths }) : advantages };
  }
  const { baselines, values, oldLogProbs, sumPiSquared } = step;
  const columns = { tokenRewards: penalty?.tokenRewards ?? outcome(), offsets, groupSize, baselines, values, oldLogProbs, sumPiSquared };
  const options = { ...columns, gamma, lambda, whiten };
  const { advantages, returns } = (estimator as (options: unknown) => TokenAdvantages)(options);
  return {
    ...measured,
    perRow: rowMeans(advantages, offsets),
    perToken: Float32Array.from(advantages),
    returns: Float32Array.from(returns),
  };
}

function rowMeans(values: Float64Array, offsets: Int32Array): Float64Array {
  return Float64Array.from({ length: offsets.length - 1 }, (_, row) => {
    const own = values.subarray(offsets[row], offsets[row + 1]);
    return own.length === 0 ? 0 : own.reduce((sum, value) => sum + value, 0) / own.length;
  });
}
