// Verifiable rewards: graders of model answers, and a pool that runs them in processes of their own.
export { lastBoxed } from "./math/extract/boxes.ts";
export { extractAnswer } from "./math/extract/extract-answer.ts";
export type { Extraction } from "./math/extract/extract-answer.ts";
export { textAfterThinking } from "./math/extract/thinking.ts";
export { gradeMath } from "./math/grade-math.ts";
export type { MathGrade, MathGradeRequest, MathGradeRule } from "./math/grade-math.ts";
export { parseGroundTruth } from "./math/ground-truth.ts";
export type { GroundTruth } from "./math/ground-truth.ts";
export { DEFAULT_MATH_POLICY } from "./math/policy.ts";
export type { MathPolicy } from "./math/policy.ts";
export { OUTCOMES } from "./outcome.ts";
export type { Outcome } from "./outcome.ts";
export { createVerifierPool } from "./verifier-pool.ts";
export type { VerifierPool, VerifierPoolOptions } from "./verifier-pool.ts";
export { gradeRequest } from "./verify-request.ts";
export type { VerifyRequest, VerifyResult } from "./verify-request.ts";
