// The MAGIC policy loss of Skywork-OR1: token-averaged clipped surrogate plus weighted entropy. No KL, no dual clip, no length normalisation.
import { clippedSurrogate } from "./clipped-surrogate.ts";
import type { ClipSettings } from "./clipped-surrogate.ts";
import type { PolicyLossInputs, PolicyLossResult } from "./policy-loss.ts";

/**
 * Returns `L = −(1/N) Σ [ min(ρA, clip(ρ, 1−ε_low, 1+ε_high)·A) + α H ]` when `rowWeights` are those of `token-mean`;
 * `ρ = exp(logProbs − oldLogProbs)`, N the response tokens of the batch, α the entropy coefficient, H the entropies.
 *
 * Shapes and masks as in {@link PolicyLossInputs}; loss and metrics are scalars f32. Clip range 0.2 to both sides by default.
 * Reduction: losses, gradients and metrics of micro-batches add up to those of the batch when their weights share its denominators.
 * A mask of zeros gives loss 0 and gradient 0. Metrics: `pg_loss, pg_clipfrac, ppo_kl, ratio_mean, ratio_max`, and `entropy_loss`.
 * Precision: float32; log-ratios beyond ±20 saturate, see `LOG_RATIO_LIMIT`.
 * Gradients: with respect to `logProbs` and `entropies`, from tfjs. Under eager `tf.valueAndGrads` tensors made inside are disposed:
 * `tf.keep` the metrics to read them afterwards.
 *
 * @throws ShapeError, NumericError, ConfigError as `checkPolicyLossInputs`; ConfigError on a clip range that is none.
 * Source: arXiv 2505.22312 eq. 3.1; clamp and metric names of verl 0.9.1 trainer/ppo/core_algos.py.
 */
export function magicLoss(inputs: PolicyLossInputs & ClipSettings): PolicyLossResult {
  const { clipLow, clipHigh } = inputs;
  return clippedSurrogate("magicLoss", inputs, { clipLow, clipHigh });
}
