// PPO's clipped loss with dual clip, as verl's default policy loss has it.
import { clippedSurrogate } from "./clipped-surrogate.ts";
import type { DualClipSettings } from "./clipped-surrogate.ts";
import type { PolicyLossInputs, PolicyLossResult } from "./policy-loss.ts";

/**
 * Returns the aggregate of `ℓ = max(−ρA, −clip(ρ, 1−ε_low, 1+ε_high)·A)`, at most `−A·c` where A < 0.
 *
 * Defaults: clip range 0.2 to both sides, c = 3; usual aggregation `token-mean`. Shapes, masks, reduction, precision, gradients and
 * errors as `magicLoss`. Metrics: `pg_loss, pg_clipfrac, pg_clipfrac_lower, ppo_kl, ratio_mean, ratio_max`.
 *
 * @throws ConfigError on c that is not above 1.
 * Source: arXiv 1707.06347 eq. 7; c arXiv 1912.09729 eq. 5; verl 0.9.1 trainer/ppo/core_algos.py, `vanilla`.
 */
export function ppoLoss(inputs: PolicyLossInputs & DualClipSettings): PolicyLossResult {
  const { clipLow, clipHigh, dualClip = 3 } = inputs;
  return clippedSurrogate("ppoLoss", inputs, { clipLow, clipHigh, dualClip });
}
