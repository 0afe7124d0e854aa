// Problems to learn from and problems held out.
import { keyedOrder } from "../training/prompts.ts";

/** A stage number that no recipe reaches: keeps the split's draws apart from others. */
const SPLIT_STAGE = 2 ** 31 + 2;

/** Those of `problems` that are held out: the share `heldOut`, keyed by `seed`. */
export function heldOutProblems(problems: readonly number[], { heldOut, seed }: { heldOut: number; seed: number }): ReadonlySet<number> {
  const order = keyedOrder(problems.length, { seed, stage: SPLIT_STAGE, epoch: 0 });
  return new Set(order.slice(0, Math.round(heldOut * problems.length)).map((place) => problems[place]!));
}
