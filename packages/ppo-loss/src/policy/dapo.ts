// DAPO's loss: the token-averaged clipped surrogate with more room above than below ("clip-higher").
import { clippedSurrogate } from "./clipped-surrogate.ts";
import type { DualClipSettings } from "./clipped-surrogate.ts";
import type { PolicyLossInputs, PolicyLossResult } from "./policy-loss.ts";

/**
 * Returns `L = −(1/N) Σ min(ρA, clip(ρ, 1−ε_low, 1+ε_high)·A)` when `rowWeights` are those of `token-mean`.
 *
 * Defaults: ε_low 0.2, ε_high 0.28, no second bound (`dualClip` adds one; DAPO's released scripts use 10). Shapes, masks, reduction,
 * precision, gradients and errors as `magicLoss`. Metrics: `pg_loss, pg_clipfrac, ppo_kl, ratio_mean, ratio_max`, and
 * `pg_clipfrac_lower` with `dualClip`.
 * Source: arXiv 2503.14476 eq. 8.
 */
export function dapoLoss(inputs: PolicyLossInputs & DualClipSettings): PolicyLossResult {
  const { clipLow, clipHigh = 0.28, dualClip } = inputs;
  return clippedSurrogate("dapoLoss", inputs, { clipLow, clipHigh, dualClip });
}
