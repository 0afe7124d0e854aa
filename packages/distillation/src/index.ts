// Distillation: supervised fine-tuning on worked answers.

// Supervised fine-tuning
export { completionLength, encodeExample } from "./sft/example.ts";
export type { Example, ExampleText, Message } from "./sft/example.ts";
export { learningRateAt, SCHEDULES } from "./sft/learning-rate.ts";
export type { LearningRateOptions, Schedule } from "./sft/learning-rate.ts";
export { planEpochs } from "./sft/plan-epochs.ts";
export type { BatchPlanOptions, TrainingLength } from "./sft/plan-epochs.ts";
export { createSupervisedTrainer, validationLoss } from "./sft/supervised-trainer.ts";
export type { SupervisedOptions, SupervisedStep, SupervisedTrainer } from "./sft/supervised-trainer.ts";
