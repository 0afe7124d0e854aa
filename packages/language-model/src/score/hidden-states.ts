// The last hidden states of a batch of sequences, inside a compiled function.

import * as tf from "@tensorflow/tfjs-core";
import { causalAttention, firstVisibleKeys } from "@longcot/tensor-kernels";
import type { Weights } from "../architectures/architecture.ts";
import type { EngineModel } from "../model/model.ts";
import type { DistributionTerms, LogitsSource } from "./distribution-terms.ts";

export interface HiddenStatesOptions {
  /** `[batch, time] int32`: each token's position within its sequence, where rows are packed. Absent: a sequence to a row. */
  positions?: tf.Tensor;
  gradientCheckpointing?: boolean;
}

/** What is asked of a batch beside its hidden states. */
export interface SeeingOptions extends HiddenStatesOptions {
  /** `[batch, time, k] int32`: further tokens whose log-probabilities are wanted at each token's place. */
  candidates?: tf.Tensor;
  /** Numbers of every token's distribution that are wanted, and the reference model that they compare it with. */
  distribution?: { terms: DistributionTerms; reference?: LogitsSource };
}

/**
 * Hidden states after the final norm, `[batch · time, model] f32`: entry t has seen the tokens up to t.
 *
 * Shapes: `inputIds [batch, time] int32`, sequences from time 0 with padding on the right, or packed. Padding is seen by nothing before it; its own
 * values are junk.
 */
export function hiddenStates(
  model: EngineModel,
  weights: Weights,
  inputIds: tf.Tensor,
  { positions: packed, gradientCheckpointing = false }: HiddenStatesOptions,
): tf.Tensor {
  const [batch, time] = inputIds.shape as [number, number];
  const { config, architecture } = model;
  const positions = packed ?? rowPositions(batch, time);
  const isWindowed = config.slidingWindow !== undefined && config.slidingWindow < time;
  return architecture.forward({
    config,
    weights,
    inputIds,
    positions,
    attend: (_, parts, [firstKeys]) => causalAttention({ ...parts, ...(firstKeys === undefined ? {} : { firstKeys }) }),
    attendReads: packed === undefined && !isWindowed ? [] : [firstVisibleKeys(positions, config.slidingWindow)],
    gradientCheckpointing,
  });
}

function rowPositions(batch: number, time: number): tf.Tensor {
  return tf.tensor2d(
    Int32Array.from({ length: batch * time }, (_, i) => i % time),
    [batch, time],
    "int32",
  );
}
