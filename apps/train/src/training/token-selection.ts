// Tokens of a mini-batch that a loss or the entropy bonus treats apart, chosen over all of it, so that its cut into micro-batches does not matter.

import { policyLosses, selectClipCovTokens, selectKlCovTokens, selectTopEntropyTokens } from "@longcot/ppo-loss";
import type { Rollouts } from "@longcot/rollout-buffer";
import { keyedUniform } from "@longcot/tensor-kernels";
import type { UpdateOptions } from "./update.ts";

/** Log-probabilities of the response tokens of `rows`, a list each, under the policy as it is now. */
export type CurrentLogProbs = (rows: readonly number[]) => Promise<readonly Float32Array[]>;

/** [tokens] of the rollouts, 1 on those that clip-cov or kl-cov chooses: by the policy before the update, which is the old one in the first. */
export async function lossTokens(
  rollouts: Rollouts,
  rows: readonly number[],
  { recipe, step, update, currentLogProbs, columns = {} }: UpdateOptions & { update: number },
): Promise<Float32Array> {
  const { values: oldLogProbs, offsets } = rollouts.viewPerToken("old_log_probs");
  const logProbs = new Float32Array(oldLogProbs);
  if (update > 0) (await currentLogProbs(rows)).forEach((own, i) => logProbs.set(own, offsets[rows[i]!]));
  const advantages = columns.advantages ?? spreadRows(rollouts.viewPerRow("advantage"), offsets);
  const tokens = { logProbs, oldLogProbs, advantages, offsets, mask: tokenMask(rollouts, rows, columns.mask) };
  const { loss, seed } = recipe;
  const covRatio = loss.cov_ratio;
  if (policyLosses[loss.name].selection === "kl-cov") return selectKlCovTokens({ ...tokens, covRatio });
  return selectClipCovTokens({
    ...tokens,
    covRatio,
    covLow: loss.cov_low,
    covHigh: loss.cov_high,
    clipLow: loss.clip_low,
    clipHigh: loss.clip_high,
    draw: (token) => keyedUniform({ seed, step, prompt: SELECTION_PROMPT, sample: update, position: token }),
  });
}

/** A prompt number that no data set reaches: keeps these draws apart from those of sampling and of shuffles. */
const SELECTION_PROMPT = 2 ** 32 - 2;

/** [tokens] of the rollouts, 1 on the share of highest entropy among those of `rows`. */
export function bonusTokens(
  rollouts: Rollouts,
  rows: readonly number[],
  { recipe: { entropy }, columns = {} }: UpdateOptions,
): Float32Array {
  const { values: entropies, offsets } = rollouts.viewPerToken("entropies");
  const ratio = "top_tokens" in entropy ? entropy.top_tokens : undefined;
  return selectTopEntropyTokens({ entropies, offsets, mask: tokenMask(rollouts, rows, columns.mask), ratio });
}

function tokenMask(rollouts: Rollouts, rows: readonly number[], counted: Uint8Array | undefined): Uint8Array {
  const { offsets } = rollouts.viewPerToken("response_tokens");
  const mask = new Uint8Array(offsets.at(-1)!);
  for (const row of rows) {
    const [from, to] = [offsets[row]!, offsets[row + 1]!];
    if (counted === undefined) mask.fill(1, from, to);
    else mask.set(counted.subarray(from, to), from);
  }
  return mask;
}

function spreadRows(values: ArrayLike<number>, offsets: Int32Array<ArrayBufferLike>): Float32Array {
  const spread = new Float32Array(offsets.at(-1)!);
  for (let row = 0; row < values.length; row++) spread.fill(values[row]!, offsets[row], offsets[row + 1]);
  return spread;
}
