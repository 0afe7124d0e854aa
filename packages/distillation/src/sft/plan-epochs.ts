// Which examples each step learns from: whole epochs in a keyed order, until so many epochs, steps or tokens are done.
import { ConfigError } from "@longcot/errors";
import { keyedOrder } from "./keyed-order.ts";

/** When training ends: after so many epochs (1.5: half of the second's examples), steps, or completion tokens (with the batch that reaches them). */
export type TrainingLength = { readonly epochs: number } | { readonly steps: number } | { readonly tokens: number };

export interface BatchPlanOptions {
  /** Completion tokens of each example. */
  readonly lengths: readonly number[];
  /** Examples a step; the last batch of an epoch has what is left. */
  readonly batchSize: number;
  readonly until: TrainingLength;
  readonly seed: number;
  /** The first so many epochs go from short examples to long ones instead of at random. Default 0. */
  readonly curriculumEpochs?: number;
}

/**
 * Indices of the examples of every step. Every example comes once an epoch, in an order keyed by seed and epoch. In an epoch of the length
 * curriculum the examples are sorted by length (equal ones at random), so that batches grow longer.
 * @throws ConfigError where there is no example, or the length of training is not positive.
 */
export function planEpochs({ lengths, batchSize, until, seed, curriculumEpochs = 0 }: BatchPlanOptions): number[][] {
  if (lengths.length === 0)
    throw new ConfigError({ who: "planEpochs", argument: "lengths", expected: "at least one example", received: "none" });
  const [[unit, most]] = Object.entries(until) as [[string, number]];
  if (!(most > 0)) throw new ConfigError({ who: "planEpochs", argument: unit, expected: "a number above 0", received: String(most) });
  const batches: number[][] = [];
  const examples = "epochs" in until ? Math.max(1, Math.round(until.epochs * lengths.length)) : Infinity;
  let tokens = 0;
  for (let epoch = 0; epoch * lengths.length < examples; epoch++) {
    const order = keyedOrder(lengths.length, { seed, epoch });
    if (epoch < curriculumEpochs) order.sort((a, b) => lengths[a]! - lengths[b]!);
    const end = Math.min(order.length, examples - epoch * lengths.length);
    for (let from = 0; from < end; from += batchSize) {
      const batch = order.slice(from, Math.min(end, from + batchSize));
      batches.push(batch);
      tokens += batch.reduce((sum, index) => sum + lengths[index]!, 0);
      if ("steps" in until && batches.length >= until.steps) return batches;
      if ("tokens" in until && tokens >= until.tokens) return batches;
    }
  }
  return batches;
}
