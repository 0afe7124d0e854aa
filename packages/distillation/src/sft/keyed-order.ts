// A shuffled order that is a function of its key alone: a resumed run draws the same.
import { keyedUniform } from "@longcot/tensor-kernels";

/** A prompt number that no data set reaches: keeps these draws apart from those of sampling. */
const ORDER_PROMPT = 2 ** 32 - 2;

/** A permutation of 0 … length − 1, the same for the same seed and epoch. */
export function keyedOrder(length: number, { seed, epoch }: { seed: number; epoch: number }): number[] {
  const order = Array.from({ length }, (_, i) => i);
  for (let last = length - 1; last > 0; last--) {
    const other = Math.floor(keyedUniform({ seed, step: 0, prompt: ORDER_PROMPT, sample: epoch, position: last }) * (last + 1));
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}
