// Dr. GRPO's loss: the clipped surrogate summed over tokens and divided by a constant, so that a response's length does not weigh it.
import { clippedSurrogate } from "./clipped-surrogate.ts";
import type { ClipSettings } from "./clipped-surrogate.ts";
import type { PolicyLossInputs, PolicyLossResult } from "./policy-loss.ts";

/**
 * Returns `L = −(1/(S·L_max)) Σ_i Σ_t min(ρA, clip(ρ, 1−ε_low, 1+ε_high)·A)` when `rowWeights` are those of
 * `seq-mean-token-sum-norm` with scale factor L_max. Meant for advantages that are not divided by the standard deviation.
 *
 * Defaults: clip range 0.2 to both sides. Shapes, masks, reduction, precision, gradients and errors as `magicLoss`.
 * Metrics: `pg_loss, pg_clipfrac, ppo_kl, ratio_mean, ratio_max`.
 * Source: arXiv 2503.20783 §3.2; the division by S as verl 0.9.1 trainer/ppo/core_algos.py, `agg_loss`.
 */
export function drGrpoLoss(inputs: PolicyLossInputs & ClipSettings): PolicyLossResult {
  const { clipLow, clipHigh } = inputs;
  return clippedSurrogate("drGrpoLoss", inputs, { clipLow, clipHigh });
}
