// Advantages, rewards, policy and value losses, and the corrections around them, of reinforcement learning for language models.

// Names: what there is, and what each needs
export { advantageEstimators, policyLosses, verlAdvantageEstimators, verlPolicyLosses } from "./registry.ts";
export type {
  AdvantageEstimatorName,
  AdvantageSetting,
  PolicyLossEntry,
  PolicyLossName,
  PolicyLossSetting,
  PolicyLossSettings,
} from "./registry.ts";

// Batches: groups of rows, flat token columns
export type { GroupLayout } from "./group-layout.ts";
export { paddedLayout, responseLengths } from "./token-layout.ts";
export type { TokenLayout } from "./token-layout.ts";

// Advantages
export { gaeAdvantages } from "./advantages/gae.ts";
export type { GaeOptions } from "./advantages/gae.ts";
export { gpgAdvantages } from "./advantages/gpg.ts";
export type { GpgAdvantageOptions } from "./advantages/gpg.ts";
export { truncationMasks } from "./advantages/group-estimate.ts";
export type { GroupRewards, RowAdvantages, TruncationMask } from "./advantages/group-estimate.ts";
export { grpoPasskAdvantages } from "./advantages/grpo-passk.ts";
export { grpoAdvantages } from "./advantages/grpo.ts";
export type { GrpoAdvantageOptions } from "./advantages/grpo.ts";
export { opoAdvantages } from "./advantages/opo.ts";
export type { OpoAdvantageOptions } from "./advantages/opo.ts";
export { optimalTokenBaselineAdvantages } from "./advantages/optimal-token-baseline.ts";
export type { OptimalTokenBaselineOptions, TokenAlignment } from "./advantages/optimal-token-baseline.ts";
export { reinforcePlusPlusBaselineAdvantages } from "./advantages/reinforce-plus-plus-baseline.ts";
export type { ReinforcePlusPlusBaselineOptions } from "./advantages/reinforce-plus-plus-baseline.ts";
export { reinforcePlusPlusAdvantages } from "./advantages/reinforce-plus-plus.ts";
export type { ReinforcePlusPlusOptions } from "./advantages/reinforce-plus-plus.ts";
export { remaxAdvantages } from "./advantages/remax.ts";
export type { RemaxOptions } from "./advantages/remax.ts";
export { rlooAdvantages } from "./advantages/rloo.ts";
export type { RlooAdvantageOptions } from "./advantages/rloo.ts";
export { outcomeTokenRewards } from "./advantages/token-estimate.ts";
export type { TokenAdvantages, TokenRewards } from "./advantages/token-estimate.ts";
export { whitenRows, whitenTokens } from "./advantages/whitening.ts";
export type { WhiteningOptions } from "./advantages/whitening.ts";
export { rejectionRules, rejectZeroAdvantageGroups } from "./rejection.ts";
export type { Rejection, RejectionOptions, RejectionRule } from "./rejection.ts";

// Rewards
export { adaptiveKlController, fixedKlController } from "./rewards/kl-controller.ts";
export type { KlController } from "./rewards/kl-controller.ts";
export { klInReward } from "./rewards/kl-in-reward.ts";
export type { KlInReward } from "./rewards/kl-in-reward.ts";
export { overlongPenalty } from "./rewards/overlong-penalty.ts";
export { sumRowRewards } from "./row-rewards.ts";

// Denominators
export { aggregations, countResponses, lossReduction, perMicroBatchReduction } from "./aggregation.ts";
export type { Aggregation, AggregationOptions, LossReduction } from "./aggregation.ts";

// Policy losses
export { policyMetricReductions } from "./policy/policy-loss.ts";
export type { MetricReduction, PolicyLossInputs, PolicyLossResult, PolicyMetric } from "./policy/policy-loss.ts";
export { LOG_RATIO_LIMIT } from "./policy/token-terms.ts";
export { cispoLoss } from "./policy/cispo.ts";
export { clipCovLoss } from "./policy/clip-cov.ts";
export type { ClipCovSettings } from "./policy/clip-cov.ts";
export type { ClipSettings, DualClipSettings } from "./policy/clipped-surrogate.ts";
export { selectClipCovTokens, selectKlCovTokens } from "./policy/covariance-selection.ts";
export type { ClipCovSelection, CovarianceInputs } from "./policy/covariance-selection.ts";
export { dapoLoss } from "./policy/dapo.ts";
export { dppoKlLoss, dppoTvLoss } from "./policy/dppo.ts";
export type { DppoSettings } from "./policy/dppo.ts";
export { drGrpoLoss } from "./policy/dr-grpo.ts";
export { droLoss } from "./policy/dro.ts";
export type { DroSettings } from "./policy/dro.ts";
export { geoMeanLoss } from "./policy/geo-mean.ts";
export { gpgLoss } from "./policy/gpg.ts";
export { grpoLoss } from "./policy/grpo.ts";
export { gspoLoss } from "./policy/gspo.ts";
export { klCovLoss } from "./policy/kl-cov.ts";
export type { KlCovSettings } from "./policy/kl-cov.ts";
export { magicLoss } from "./policy/magic.ts";
export { ppoLoss } from "./policy/ppo.ts";
export { sapoLoss } from "./policy/sapo.ts";
export type { SapoSettings } from "./policy/sapo.ts";

// Entropy and KL terms
export { selectTopEntropyTokens } from "./entropy/select-top-entropy-tokens.ts";
export { tokenEntropies } from "./entropy/token-entropies.ts";
export type { TokenEntropyOptions } from "./entropy/token-entropies.ts";
export { klEstimate, klEstimators } from "./kl-estimators.ts";
export type { KlEstimator } from "./kl-estimators.ts";
export { fullKl, klPenalty } from "./kl-penalty.ts";

// Value function
export { explainedVariance } from "./value/explained-variance.ts";
export { valueLoss, valueMetricReductions } from "./value/value-loss.ts";
export type { ValueLossInputs, ValueMetric } from "./value/value-loss.ts";

// Sampler against trainer
export { importanceWeights } from "./rollout-correction/importance-weights.ts";
export type { ImportanceWeightOptions, ImportanceWeights } from "./rollout-correction/importance-weights.ts";
export type { RolloutLogProbs } from "./rollout-correction/log-ratios.ts";
export { offPolicyMetrics } from "./rollout-correction/off-policy-metrics.ts";
export type { OffPolicyMetric } from "./rollout-correction/off-policy-metrics.ts";
export { rejectionCriteria, rejectRolloutTokens } from "./rollout-correction/rollout-rejection.ts";
export type { RejectionCriterion, RolloutRejection, RolloutRejectionRule } from "./rollout-correction/rollout-rejection.ts";
