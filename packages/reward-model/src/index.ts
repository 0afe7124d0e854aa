// Rewards beside the verifier's: components and their weighted sum; reward models, trained, measured and used.

// Components and the schedule that sums them
export { formatReward } from "./components/format-reward.ts";
export type { GradedResponses } from "./components/graded-responses.ts";
export { lengthReward } from "./components/length-reward.ts";
export { rewardComponents } from "./components/registry.ts";
export type { ComponentOptions, RewardComponentName } from "./components/registry.ts";
export { repetitionPenalty } from "./components/repetition-penalty.ts";
export { combineRewards } from "./schedule/combine-rewards.ts";
export type { CombinedRewards, ComponentStatistics, ComponentTerm, WeightedComponent } from "./schedule/combine-rewards.ts";
export { normalizeRewards, REWARD_NORMALIZATIONS } from "./schedule/normalize-rewards.ts";
export type { RewardNormalization } from "./schedule/normalize-rewards.ts";

// Pairs and how well scores order them
export { lengthBias } from "./measures/length-bias.ts";
export type { LengthBias, LengthSlice } from "./measures/length-bias.ts";
export { pairAccuracy, pairCalibration } from "./measures/pair-measures.ts";
export type { Calibration, PairAccuracy, PairScores, ReliabilityBin } from "./measures/pair-measures.ts";
export { minePairs } from "./pairs/mine-pairs.ts";
export type { AnswerGroup, MinedPair } from "./pairs/mine-pairs.ts";

// Steps: cut, labelled, measured, made one score of
export { aggregateSteps, STEP_AGGREGATIONS } from "./steps/aggregate-steps.ts";
export type { StepAggregation } from "./steps/aggregate-steps.ts";
export { monteCarloLabels } from "./steps/monte-carlo-labels.ts";
export type { StepLabels } from "./steps/monte-carlo-labels.ts";
export { splitSteps } from "./steps/split-steps.ts";
export { stepMeasures } from "./measures/step-measures.ts";
export type { JudgedSteps, StepBin, StepMeasures } from "./measures/step-measures.ts";

// Training
export { bradleyTerryLoss } from "./train/bradley-terry-loss.ts";
export type { PairInput, PairLossOptions, PairMetric } from "./train/bradley-terry-loss.ts";
export { createRewardTrainer } from "./train/reward-trainer.ts";
export type { RewardTrainer, RewardTrainerOptions, TokenPair } from "./train/reward-trainer.ts";
export { STEP_LOSSES, stepLoss } from "./train/step-loss.ts";
export type { StepInput, StepLossKind, StepMetric } from "./train/step-loss.ts";
export { createStepTrainer } from "./train/step-trainer.ts";
export type { LabelledSteps, StepTrainer, StepTrainerOptions } from "./train/step-trainer.ts";

// Alarm
export { defaultHackingThresholds, rewardHackingAlarm } from "./alarm/hacking-alarm.ts";
export type { HackingAlarm, HackingThresholds, RewardHistory } from "./alarm/hacking-alarm.ts";
