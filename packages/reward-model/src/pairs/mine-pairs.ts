// Pairs to learn a preference from: right against wrong answers to one problem.
import { ConfigError } from "@longcot/errors";
import { keyedUniform } from "@longcot/tensor-kernels";

/** The graded answers to one problem. */
export interface AnswerGroup {
  /** A whole number that names the problem: keys what is drawn. */
  readonly promptId: number;
  readonly answers: readonly { readonly text: string; readonly isRight: boolean }[];
}

/** Places of two answers within their group. */
export interface MinedPair {
  readonly promptId: number;
  readonly chosen: number;
  readonly rejected: number;
}

/**
 * Returns up to `perGroup` pairs (right answer, wrong answer) of every group that has both. An answer that occurs several times counts once, by its
 * first; every answer is used as often as any other of its kind, to one; which ones meet is drawn, keyed by `seed` and the group's `promptId`.
 *
 * @throws ConfigError unless `perGroup` is a positive integer.
 */
export function minePairs(groups: readonly AnswerGroup[], { perGroup, seed }: { perGroup: number; seed: number }): MinedPair[] {
  if (!Number.isInteger(perGroup) || perGroup < 1)
    throw new ConfigError({ who: "minePairs", argument: "perGroup", expected: "a positive integer", received: String(perGroup) });
  return groups.flatMap(({ promptId, answers }) => {
    const order = (kind: boolean): number[] => shuffled(distinctAnswers(answers, kind), { seed, promptId, sample: Number(kind) });
    const [right, wrong] = [order(true), order(false)];
    const count = Math.min(perGroup, right.length * wrong.length);
    const cycle = leastCommonMultiple(right.length, wrong.length);
    return Array.from({ length: count }, (_, i) => ({
      promptId,
      chosen: right[i % right.length]!,
      // A shift by one after each cycle: no pair comes twice.
      rejected: wrong[(i + Math.floor(i / cycle)) % wrong.length]!,
    }));
  });
}

function distinctAnswers(answers: AnswerGroup["answers"], kind: boolean): number[] {
  const seen = new Set<string>();
  return answers.flatMap(({ text, isRight }, i) => {
    if (isRight !== kind || seen.has(text)) return [];
    seen.add(text);
    return [i];
  });
}

function shuffled(items: number[], { seed, promptId, sample }: { seed: number; promptId: number; sample: number }): number[] {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(keyedUniform({ seed, step: PAIR_STEP, prompt: promptId, sample, position: last }) * (last + 1));
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}

/** A step that no training reaches: keeps these draws apart from those of sampling. */
const PAIR_STEP = 2 ** 31 + 1;

function leastCommonMultiple(a: number, b: number): number {
  const divisor = (x: number, y: number): number => (y === 0 ? x : divisor(y, x % y));
  return a === 0 || b === 0 ? 1 : (a * b) / divisor(a, b);
}
