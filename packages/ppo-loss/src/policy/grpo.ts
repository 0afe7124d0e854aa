// GRPO's loss: the clipped surrogate, averaged within each response first, with a k3 penalty towards a reference policy.
import { clippedSurrogate } from "./clipped-surrogate.ts";
import type { ClipSettings } from "./clipped-surrogate.ts";
import type { PolicyLossInputs, PolicyLossResult } from "./policy-loss.ts";

/**
 * Returns `L = −(1/S) Σ_i (1/n_i) Σ_t [ min(ρA, clip(ρ, 1−ε_low, 1+ε_high)·A) − β k3 ]` when `rowWeights` are those of
 * `seq-mean-token-mean`: S responses, n_i tokens in response i; the penalty where `referenceLogProbs` are given.
 *
 * Defaults: clip range 0.2 to both sides. Shapes, masks, reduction, precision, gradients and errors as `magicLoss`.
 * Metrics: `pg_loss, pg_clipfrac, ppo_kl, ratio_mean, ratio_max`, and `kl_loss`.
 * Source: arXiv 2402.03300 eq. 3 and 4.
 */
export function grpoLoss(inputs: PolicyLossInputs & ClipSettings): PolicyLossResult {
  const { clipLow, clipHigh } = inputs;
  return clippedSurrogate("grpoLoss", inputs, { clipLow, clipHigh });
}
