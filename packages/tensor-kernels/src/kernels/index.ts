// The kernels: differentiable operations of a language model, written once in tfjs ops, and what a training step needs around them.
export { adamWUpdate, clipByGlobalNorm, clipFactor, globalNorm } from "./adamw.ts";
export type { AdamWInputs, AdamWState } from "./adamw.ts";
export { attention } from "./attention.ts";
export type { AttentionInputs } from "./attention.ts";
export { causalBias, MASKED_SCORE, packedCausalBias } from "./attention-mask.ts";
export { cachedAttention } from "./cached-attention.ts";
export type { CachedAttentionInputs } from "./cached-attention.ts";
export { embed } from "./embedding.ts";
export {
  fillKeyedNormals,
  fillKeyedUniforms,
  keyedNormal,
  keyedUniform,
  philox4x32,
} from "./keyed-random.ts";
export type {
  NormalKey,
  PhiloxCounter,
  PhiloxKey,
  SamplingKey,
  SamplingKeys,
} from "./keyed-random.ts";
export { linear } from "./linear.ts";
export { rmsNorm } from "./rms-norm.ts";
export { applyRope, ROPE_MAX_POSITIONS, ropeTables } from "./rope.ts";
export type { RopeTables } from "./rope.ts";
export { greedyTokens, sampleTokens } from "./sampling.ts";
export type { ChosenTokens, SampleInputs } from "./sampling.ts";
export { swiglu } from "./swiglu.ts";
export { LOGITS_CHUNK_BYTES, tokenLogProbs } from "./token-log-probs.ts";
export type { TokenLogProbs, TokenLogProbsInputs } from "./token-log-probs.ts";
