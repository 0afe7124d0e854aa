// Distillation: supervised fine-tuning on worked answers, and the answers of teachers to learn from.

// Supervised fine-tuning
export { completionLength, encodeExample } from "./sft/example.ts";
export type { Example, ExampleText, Message } from "./sft/example.ts";
export { learningRateAt, SCHEDULES } from "./sft/learning-rate.ts";
export type { LearningRateOptions, Schedule } from "./sft/learning-rate.ts";
export { planEpochs } from "./sft/plan-epochs.ts";
export type { BatchPlanOptions, TrainingLength } from "./sft/plan-epochs.ts";
export { createSupervisedTrainer, validationLoss } from "./sft/supervised-trainer.ts";
export type { SupervisedOptions, SupervisedStep, SupervisedTrainer } from "./sft/supervised-trainer.ts";

// Data from teachers
export { openAnswerLog } from "./data/answer-log.ts";
export type { AnswerLog } from "./data/answer-log.ts";
export { createTeacherPool } from "./data/ask-teachers.ts";
export type { AskOptions, TeacherPool } from "./data/ask-teachers.ts";
export { checkBudget, nextSamples } from "./data/budget.ts";
export type { SampleBudget } from "./data/budget.ts";
export { ANSWER_FAULTS, answerChecker, repeatedShare } from "./data/check-answer.ts";
export type { AnswerChecks, AnswerFault } from "./data/check-answer.ts";
export { cutAfterAnswer } from "./data/cut-after-answer.ts";
export { distillProblems } from "./data/distill-problems.ts";
export type { DistilledProblem, DistillOptions, JudgedAnswer } from "./data/distill-problems.ts";
export { createAnswerSet } from "./data/near-duplicates.ts";
export type { AnswerSet } from "./data/near-duplicates.ts";
export { serverTeacher } from "./data/server-teacher.ts";
export type { ServerTeacherOptions } from "./data/server-teacher.ts";
export type { Teacher, TeacherAnswer, TeacherQuestion } from "./data/teacher.ts";

// A teacher's log-probabilities
export { createDistillationTrainer } from "./logits/distillation-trainer.ts";
export type { DistillationStep, DistillationTrainer } from "./logits/distillation-trainer.ts";
export { distillationLoss } from "./logits/distillation-loss.ts";
export type { DistillationLossOptions } from "./logits/distillation-loss.ts";
export { checkDivergence, divergence, DIVERGENCES } from "./logits/divergence.ts";
export type { DivergenceName, DivergenceOptions } from "./logits/divergence.ts";
export { checkSameTokenizer } from "./logits/same-tokenizer.ts";
export { scoreExamples } from "./logits/score-examples.ts";
export type { ScoreExamplesOptions } from "./logits/score-examples.ts";
export { readTeacherScores, writeTeacherScores } from "./logits/teacher-scores.ts";
export type { ScoredExample, TeacherScoresInfo } from "./logits/teacher-scores.ts";
