// Which training problems are a benchmark's: the whole of it inside, or most of its token pairs or a long run of its tokens, with its numbers.
import { ConfigError } from "@longcot/errors";
import { mix32 } from "../duplicates/hash.ts";
import { commonCount, shingles } from "../duplicates/shingles.ts";
import { foldStatement, withoutLabels } from "../statements/normalize-statement.ts";
import { isNumberToken, tokenizeInto } from "../statements/statement-tokens.ts";

/** Why a problem counts as the benchmark's. */
export type ContaminationRule = "contains" | "near-duplicate" | "n-gram";

export interface Contamination {
  /** Position of the benchmark's problem, in the order in which they were given. */
  readonly benchmark: number;
  readonly rule: ContaminationRule;
  /** Part of the benchmark problem's token pairs that the problem has. */
  readonly coverage: number;
  /** Longest run of tokens that both have. */
  readonly longestRun: number;
}

export interface ContaminationOptions {
  /** Coverage from which a problem is a near-duplicate of the benchmark's. Default 0.7. */
  readonly coverage?: number;
  /** A common run of this many tokens, at least a third of the benchmark's problem, is contamination too. Default 13. */
  readonly ngram?: number;
}

export interface ContaminationFinder {
  /** The benchmark problem that `statement` comes closest to, if it is contaminated. */
  check(statement: string): Contamination | undefined;
}

/** Tokens of a sequence that make a training problem worth a closer look. */
const SEED_TOKENS = 4;
/** Seeds by which a benchmark problem is found, its rarest ones. */
const SEEDS_A_PROBLEM = 48;
const LEAST_RUN_PART = 1 / 3;
/** A common run where numbers are missing, in n-grams. */
const LONG_RUN = 3;
/** Numbers of the benchmark's problem that a common run must hold where a problem lacks others of them. */
const LEAST_RUN_NUMBERS = 2;
const LEAST_NUMBERS_PART = 1 / 2;

/**
 * A finder for `benchmark`, the statements of its problems. Problems of one template differ in their numbers: a problem that lacks one of the
 * benchmark's numbers, in their order, is another problem, unless a common run of three times `ngram` holds at least half of them: that
 * is the benchmark's text with another end.
 * Source: n-gram overlap as Brown et al. 2020 (GPT-3), appendix C, made strict on numbers.
 * @throws ConfigError for options out of range.
 * @example createContaminationFinder(["Find 2 + 3."]).check("Problem 7. Find 2 + 3.") // { benchmark: 0, rule: "contains", … }
 */
export function createContaminationFinder(
  benchmark: readonly string[],
  { coverage = 0.7, ngram = 13 }: ContaminationOptions = {},
): ContaminationFinder {
  const who = "createContaminationFinder";
  if (!(coverage > 0 && coverage <= 1))
    throw new ConfigError({ who, argument: "coverage", expected: "above 0, at most 1", received: String(coverage) });
  if (!Number.isInteger(ngram) || ngram < SEED_TOKENS)
    throw new ConfigError({ who, argument: "ngram", expected: `a whole number of at least ${SEED_TOKENS}`, received: String(ngram) });
  const problems = benchmark.map((statement) => {
    const tokens = tokensOf(statement);
    return { tokens, numbers: tokens.filter(isNumberToken), pairs: shingles(tokens) };
  });
  const index = seedIndex(problems.map(({ tokens }) => tokens));
  return {
    check(statement) {
      const tokens = tokensOf(statement);
      const candidates = new Set<number>();
      for (const seed of seedsOf(tokens)) for (const problem of index.get(seed) ?? []) candidates.add(problem);
      let found: Contamination | undefined;
      if (candidates.size === 0) return found;
      const [numbers, pairs] = [tokens.filter(isNumberToken), shingles(tokens)];
      for (const candidate of candidates) {
        const problem = problems[candidate]!;
        const hasNumbers = hasInOrder(numbers, problem.numbers);
        if (!hasNumbers && problem.numbers.length < LEAST_RUN_NUMBERS) continue;
        const covered = commonCount(pairs, problem.pairs) / Math.max(1, problem.pairs.length);
        const { length: run, end } = longestCommonRun(tokens, problem.tokens);
        const inRun = problem.tokens.subarray(end - run, end).filter(isNumberToken).length;
        if (!hasNumbers && inRun < Math.max(LEAST_RUN_NUMBERS, problem.numbers.length * LEAST_NUMBERS_PART)) continue;
        const rule: ContaminationRule | undefined =
          run === problem.tokens.length
            ? "contains"
            : hasNumbers && covered >= coverage
              ? "near-duplicate"
              : run >= Math.max(hasNumbers ? ngram : LONG_RUN * ngram, problem.tokens.length * LEAST_RUN_PART)
                ? "n-gram"
                : undefined;
        if (rule === undefined || (found !== undefined && found.coverage >= covered)) continue;
        found = { benchmark: candidate, rule, coverage: covered, longestRun: run };
      }
      return found;
    },
  };
}

function tokensOf(statement: string): Uint32Array {
  const folded = withoutLabels(foldStatement(statement));
  const out = new Uint32Array(folded.length);
  return out.subarray(0, tokenizeInto(out, 0, folded));
}

/** Hashes of every run of SEED_TOKENS tokens; of all of them where there are fewer. */
function seedsOf(tokens: Uint32Array): Set<number> {
  const seeds = new Set<number>();
  const length = Math.min(SEED_TOKENS, tokens.length);
  for (let start = 0; length > 0 && start + length <= tokens.length; start++) {
    let hash = length;
    for (let i = 0; i < length; i++) hash = mix32(Math.imul(hash, 0x9e3779b1) + tokens[start + i]!);
    seeds.add(hash);
  }
  return seeds;
}

/** Seed → benchmark problems found by it: the seeds of each that the fewest others have. */
function seedIndex(problems: readonly Uint32Array[]): Map<number, number[]> {
  const frequency = new Map<number, number>();
  for (const tokens of problems) for (const seed of seedsOf(tokens)) frequency.set(seed, (frequency.get(seed) ?? 0) + 1);
  const index = new Map<number, number[]>();
  for (const [problem, tokens] of problems.entries()) {
    const rarest = [...seedsOf(tokens)].sort((a, b) => frequency.get(a)! - frequency.get(b)!).slice(0, SEEDS_A_PROBLEM);
    for (const seed of rarest) {
      const found = index.get(seed);
      if (found === undefined) index.set(seed, [problem]);
      else found.push(problem);
    }
  }
  return index;
}

/** Whether `wanted` is a subsequence of `values`. */
function hasInOrder(values: Uint32Array, wanted: Uint32Array): boolean {
  let at = 0;
  for (const value of values) if (at < wanted.length && value === wanted[at]) at++;
  return at === wanted.length;
}

/** The longest contiguous run that both have: its length, and where in `b` it ends. */
function longestCommonRun(a: Uint32Array, b: Uint32Array): { length: number; end: number } {
  let longest = 0;
  let end = 0;
  let previous = new Uint32Array(b.length + 1);
  let current = new Uint32Array(b.length + 1);
  for (const token of a) {
    for (let j = 0; j < b.length; j++) {
      const run = token === b[j] ? previous[j]! + 1 : 0;
      current[j + 1] = run;
      if (run > longest) [longest, end] = [run, j + 1];
    }
    [previous, current] = [current, previous];
  }
  return { length: longest, end };
}
