// What a model computes of every token of given sequences, in packed batches of few shapes.

import type * as tf from "@tensorflow/tfjs-core";
import type { Compiled } from "@longcot/tensor-kernels";
import { ConfigError } from "@longcot/errors";
import type { Weights } from "../architectures/architecture.ts";
import type { EngineModel } from "../model/model.ts";
import { planBatches } from "./batches.ts";
import type { SeeingOptions } from "./hidden-states.ts";
import { packTokens } from "./packing.ts";

export interface TokenValuesOptions {
  /** Tokens of a batch, padding included; default 16384. */
  batchTokens?: number;
  onProgress?: (progress: { done: number; total: number }) => void;
}

/** What is computed of a batch: tensors `[batch, time] f32` of the rows as the model has them, packed or not. */
export type See<Seen extends string> = (
  weights: Weights,
  inputIds: tf.Tensor,
  options: SeeingOptions,
) => Record<Seen, tf.Tensor2D> & {
  /** Terms of the distribution, where they were asked for. */
  distribution?: Record<string, tf.Tensor2D>;
};

type Step = Compiled<"inputIds" | "positions", string>;
const compiledFor = new WeakMap<EngineModel, Map<string, Step>>();
const DEFAULT_BATCH_TOKENS = 16_384;

/**
 * What `see` computes of each sequence, in the order given: one f32 a token under each of its names.
 * @param options.kind tells what is compiled apart from what else is compiled for this model and `who`.
 * @throws ConfigError where a sequence has fewer than one token or more than the model's positions.
 */
export async function tokenValues<Seen extends string>(
  model: EngineModel,
  sequences: readonly Int32Array[],
  options: TokenValuesOptions & { who: string; kind: string; see: See<Seen> },
): Promise<Record<Seen, Float32Array>[]> {
  const { who, kind, see, batchTokens = DEFAULT_BATCH_TOKENS } = options;
  const most = model.config.maxPositionEmbeddings;
  sequences.forEach(({ length }, i) => {
    if (length < 1 || length > most)
      throw new ConfigError({ who, argument: `sequence ${i}`, expected: `1 to ${most} tokens`, received: String(length) });
  });
  const lengths = sequences.map(({ length }) => length);
  const values: Record<Seen, Float32Array>[] = Array.from({ length: sequences.length });
  let done = 0;
  for (const { indices, rows, time, packing } of planBatches(lengths, { batchTokens, most })) {
    const places = packing?.places ?? indices.map((index, row) => ({ row, start: 0, length: lengths[index]! }));
    const seen = { rows: packing?.rows ?? rows, time: packing?.time ?? time };
    const { inputIds, positions } = packTokens({ ...seen, places }, (i) => sequences[indices[i]!]!);
    const step = compiledStep(model, { ...seen, who, kind, isPacked: packing !== undefined }, see);
    const results = Object.entries(await step({ inputIds, positions }));
    places.forEach(({ row, start, length }, i) => {
      const from = row * seen.time + start;
      const parts = results.map(([name, all]) => [name, (all as Float32Array).slice(from, from + length)]);
      values[indices[i]!] = Object.fromEntries(parts) as Record<Seen, Float32Array>;
    });
    done += indices.length;
    options.onProgress?.({ done, total: sequences.length });
  }
  return values;
}

function compiledStep<Seen extends string>(
  model: EngineModel,
  { rows, time, who, kind, isPacked }: { rows: number; time: number; who: string; kind: string; isPacked: boolean },
  see: See<Seen>,
): Step {
  let steps = compiledFor.get(model);
  if (steps === undefined) compiledFor.set(model, (steps = new Map()));
  const key = `${who}${isPacked ? "_packed" : ""}_${rows}x${time}${kind}`;
  let step = steps.get(key);
  if (step === undefined) {
    const ids = { shape: [rows, time], dtype: "int32" } as const;
    step = model.engine.compile(`${who}_${rows}x${time}`, { inputIds: ids, positions: ids }, ({ inputIds, positions }, state) =>
      see(model.readWeights(state), inputIds, isPacked ? { positions } : {}),
    );
    steps.set(key, step);
  }
  return step;
}
