// Advantages, rejection and policy losses of reinforcement learning for language models.
export { groupAdvantages, truncationMasks } from "./advantages/group-normalized.ts";
export type { GroupAdvantageOptions, GroupAdvantages, GroupStatistics, TruncationMask } from "./advantages/group-normalized.ts";
export type { GroupLayout } from "./group-layout.ts";
export { LOG_RATIO_LIMIT, magicLoss, magicMetricReductions } from "./policy/magic.ts";
export type { MagicLossInputs, MagicMetric } from "./policy/magic.ts";
export type { MetricReduction, PolicyLossInputs, PolicyLossResult } from "./policy/policy-loss.ts";
export { advantageEstimators, policyLosses } from "./registry.ts";
export type { AdvantageEstimatorName, PolicyLossName } from "./registry.ts";
export { rejectionRules, rejectZeroAdvantageGroups } from "./rejection.ts";
export type { Rejection, RejectionOptions, RejectionRule } from "./rejection.ts";
export { countResponseTokens } from "./token-denominator.ts";
export { outcomeRewards, truncatedRewards } from "./truncated-reward.ts";
export type { TruncatedReward } from "./truncated-reward.ts";
