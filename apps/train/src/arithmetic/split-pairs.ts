// Which operands belong to which split. Splits are cut between unordered pairs, so that 47+85 in training rules 85+47 out of the held-out set.
import { ConfigError } from "@longcot/errors";
import { hash32, permute } from "./keyed-permutation.ts";
import type { Level } from "./operations.ts";

/** `train` and `cold-start` draw from the same block, from its two ends; `held-out` has a block of its own. */
export type Split = "train" | "cold-start" | "held-out";

/** Share of a level's unordered pairs that is held out. */
const HELD_OUT_SHARE = 0.2;

/** The block of permuted pair ranks that a split draws from: its first rank, its size, and whether it is read from the end. */
interface Block {
  readonly first: number;
  readonly size: number;
  readonly backwards: boolean;
}

/** Operands of problem `index`. The first pass gives each unordered pair once, in a keyed order; a second gives the other orders. */
export function operandsAt(seed: number, family: string, split: Split, level: Level, index: number): readonly [number, number] {
  const { smallest, count } = operandRange(level);
  const pairs = (count * (count + 1)) / 2;
  const block = blockOf(split, pairs);
  const key = hash32(seed, Math.floor(seed / 2 ** 32), level, ...Buffer.from(family));
  const pairAt = (position: number): readonly [number, number] => {
    const rank = permute(block.first + (block.backwards ? block.size - 1 - position : position), pairs, key);
    const [low, high] = unrank(rank);
    return hash32(key, rank) & 1 ? [smallest + low, smallest + high] : [smallest + high, smallest + low];
  };
  if (index < block.size) return pairAt(index);
  let left = index - block.size;
  for (let position = 0; position < block.size; position++) {
    const [a, b] = pairAt(position);
    if (a !== b && left-- === 0) return [b, a];
  }
  throw new ConfigError({
    who: `level ${level}, ${split}`,
    argument: "problems",
    expected: `at most ${index - left}, all that there are`,
    received: `${index + 1}`,
    fix: "Ask for fewer problems of this level",
  });
}

/** How many of `wanted` problems the split has at `level`: all of them, unless the level is small. */
export function problemsAvailable(seed: number, family: string, split: Split, level: Level, wanted: number): number {
  const { count } = operandRange(level);
  if (wanted <= blockOf(split, (count * (count + 1)) / 2).size) return wanted;
  for (let index = 0; index < wanted; index++) {
    try {
      operandsAt(seed, family, split, level, index);
    } catch (error) {
      if (error instanceof ConfigError) return index;
      throw error;
    }
  }
  return wanted;
}

function blockOf(split: Split, pairs: number): Block {
  const heldOut = Math.floor(pairs * HELD_OUT_SHARE);
  if (split === "held-out") return { first: 0, size: heldOut, backwards: false };
  return { first: heldOut, size: pairs - heldOut, backwards: split === "cold-start" };
}

/** Operands of `level` digits: 0 to 9 for one digit, else without a leading zero. */
function operandRange(level: Level): { smallest: number; count: number } {
  const smallest = level === 1 ? 0 : 10 ** (level - 1);
  return { smallest, count: 10 ** level - smallest };
}

/** The `rank`-th of the pairs (0,0), (0,1), (1,1), (0,2), ... with low <= high. */
function unrank(rank: number): readonly [low: number, high: number] {
  let high = Math.floor((Math.sqrt(8 * rank + 1) - 1) / 2);
  while ((high * (high + 1)) / 2 > rank) high--;
  while (((high + 1) * (high + 2)) / 2 <= rank) high++;
  return [rank - (high * (high + 1)) / 2, high];
}
