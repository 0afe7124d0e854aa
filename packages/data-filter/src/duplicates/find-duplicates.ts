// Which problems of a data set are there twice: word for word, up to layout, behind a label, or nearly so.
import { ConfigError } from "@longcot/errors";
import { foldStatement, withoutLabels } from "../statements/normalize-statement.ts";
import { isFactToken } from "../statements/statement-tokens.ts";
import { createStatementTable } from "../statements/statement-table.ts";
import type { StatementTable } from "../statements/statement-table.ts";
import { forEachRun } from "./equal-key-runs.ts";
import { mix32, sequenceHash } from "./hash.ts";
import { minHashInto, minHashSeeds } from "./min-hash.ts";
import { jaccard, shingles } from "./shingles.ts";
import { createPacer, type Progress } from "../pacer.ts";

/**
 * How a row duplicates an earlier one.
 * - `duplicate-exact`: the same text and answer.
 * - `duplicate-normalised`: the same answer, and the same text up to case, spacing, punctuation and answer instructions.
 * - `conflicting-answer`: such a text, labels in front of it apart, with another answer.
 * - `near-duplicate`: the same answer, and the statement with another label, or inside the other's with little around it, or alike and
 *   with the same numbers and signs.
 */
export type DuplicateKind = "duplicate-exact" | "duplicate-normalised" | "conflicting-answer" | "near-duplicate";

/** Row `row` repeats row `of`, which comes before it. */
export interface Duplicate {
  readonly row: number;
  readonly of: number;
  readonly kind: DuplicateKind;
  /** Jaccard similarity of the token pairs of both statements. */
  readonly similarity: number;
}

export interface DuplicateOptions {
  /** Jaccard similarity of token pairs from which two statements with the same numbers, signs and answer are near-duplicates. Default 0.6. */
  readonly threshold?: number;
}

export interface DuplicateFinder {
  /** Adds the next problem; rows are numbered from 0. An absent answer equals every other. */
  add(statement: string, answer?: string): void;
  /** Every row that an earlier, kept row makes superfluous, ascending. */
  find(options?: { readonly onProgress?: (progress: Progress) => void; readonly signal?: AbortSignal }): Promise<Duplicate[]>;
}

/** Bands of a signature and places in a band: two statements of Jaccard similarity s share a band with probability 1 − (1 − s⁴)³². */
const [BANDS, PLACES] = [32, 4];
/** Most tokens around a statement that another one contains, and the largest part of the other they may be. */
const [MOST_AROUND, LARGEST_PART_AROUND] = [12, 0.4];
/** Fewest tokens of a statement that is looked for inside others. */
const LEAST_INSIDE = 4;
/** Rows of one band's bucket that a row is compared with, at most. */
const MOST_COMPARED = 16;

/**
 * A finder of duplicates. It holds about 1 kB a problem; a million problems of 400 characters take a minute or two.
 *
 * Problems of one template differ in their numbers, so statements with other numbers (or signs) are other problems however alike their words.
 * Source of the near-duplicate search: MinHash with banding, Leskovec et al., Mining of Massive Datasets, chapter 3.
 *
 * @throws ConfigError for a threshold outside (0, 1].
 * @example
 * const finder = createDuplicateFinder();
 * finder.add("What is 2 + 3?", "5");
 * finder.add("Question: What is 2 + 3?", "5");
 * await finder.find(); // [{ row: 1, of: 0, kind: "near-duplicate", similarity: 1 }]
 */
export function createDuplicateFinder({ threshold = 0.6 }: DuplicateOptions = {}): DuplicateFinder {
  if (!(threshold > 0 && threshold <= 1))
    throw new ConfigError({
      who: "createDuplicateFinder",
      argument: "threshold",
      expected: "above 0, at most 1",
      received: String(threshold),
    });
  const statements = createStatementTable();
  const texts: number[] = [];
  /** Hashes of what stands before the statements. */
  const labels: number[] = [];
  const answers: (number | undefined)[] = [];
  const hash = sequenceHash();
  const textHash = (text: string): number => {
    hash.reset();
    for (let i = 0; i < text.length; i++) hash.add(text.charCodeAt(i));
    return hash.value();
  };
  return {
    add(statement, answer) {
      const folded = foldStatement(statement);
      const bare = withoutLabels(folded);
      statements.add(bare);
      texts.push(textHash(statement));
      labels.push(textHash(folded.slice(0, folded.length - bare.length)));
      answers.push(answer === undefined ? undefined : textHash(answer.replace(/\s+/g, "")));
    },
    async find({ onProgress, signal } = {}) {
      const sameAnswer = (a: number, b: number): boolean =>
        answers[a] === answers[b] || answers[a] === undefined || answers[b] === undefined;
      const pacer = createPacer(onProgress, signal);
      const exact = await findEqual(statements, pacer);
      const distinct = Uint32Array.from(Array.from({ length: statements.rows }, (_, row) => row).filter((row) => !exact.has(row)));
      const pairs = createPairs(statements, sameAnswer);
      await pairContained(statements, distinct, pairs, pacer);
      await pairAlike(statements, distinct, pairs, threshold, pacer);

      const kindOfEqual = (row: number, of: number): DuplicateKind => {
        if (!sameAnswer(row, of)) return "conflicting-answer";
        if (texts[row] === texts[of]) return "duplicate-exact";
        return labels[row] === labels[of] ? "duplicate-normalised" : "near-duplicate";
      };
      const duplicates: Duplicate[] = Array.from(exact, ([row, of]) => ({
        row,
        of,
        similarity: 1,
        kind: kindOfEqual(row, of),
      }));
      const dropped = new Set<number>();
      for (const [row, partners] of [...pairs.earlierOf].sort(([a], [b]) => a - b)) {
        const kept = [...partners].find(([of]) => !dropped.has(of));
        if (kept === undefined) continue;
        dropped.add(row);
        duplicates.push({ row, of: kept[0], kind: "near-duplicate", similarity: kept[1] });
      }
      return duplicates.sort((a, b) => a.row - b.row);
    },
  };
}

type Pacer = ReturnType<typeof createPacer>;

/** Row → the first row with the same tokens, for every row but the first. */
async function findEqual(statements: StatementTable, pacer: Pacer): Promise<Map<number, number>> {
  const first = new Map<number, number>();
  const equal = new Map<number, number>();
  const hash = sequenceHash();
  for (let row = 0; row < statements.rows; row++) {
    hash.reset();
    for (const token of statements.viewTokens(row)) hash.add(token);
    const of = first.get(hash.value());
    if (of === undefined) first.set(hash.value(), row);
    else equal.set(row, of);
    await pacer.tick("equal statements", row + 1, statements.rows);
  }
  return equal;
}

interface Pairs {
  /** Later row → earlier row → similarity. */
  readonly earlierOf: Map<number, Map<number, number>>;
  has(a: number, b: number): boolean;
  /** Whether both rows have the same answer; then they are noted. `similarity`: where it is known already. */
  note(a: number, b: number, similarity?: number): boolean;
}

function createPairs(statements: StatementTable, sameAnswer: (a: number, b: number) => boolean): Pairs {
  const earlierOf = new Map<number, Map<number, number>>();
  return {
    earlierOf,
    has: (a, b) => earlierOf.get(Math.max(a, b))?.has(Math.min(a, b)) ?? false,
    note(a, b, similarity = similarityOf(statements, a, b)) {
      if (!sameAnswer(a, b)) return false;
      const [later, earlier] = [Math.max(a, b), Math.min(a, b)];
      const partners = earlierOf.get(later) ?? new Map<number, number>();
      partners.set(earlier, similarity);
      earlierOf.set(later, partners);
      return true;
    },
  };
}

/** Jaccard similarity of the token pairs of two rows. */
const similarityOf = (statements: StatementTable, a: number, b: number): number =>
  jaccard(shingles(statements.viewTokens(a)), shingles(statements.viewTokens(b)));

/** Pairs of which one statement is the other behind some words (a title, a source), or before some words. */
async function pairContained(statements: StatementTable, rows: Uint32Array, pairs: Pairs, pacer: Pacer): Promise<void> {
  const whole = { backward: new Map<number, number>(), forward: new Map<number, number>() };
  const hash = sequenceHash();
  /** The hash of `tokens` in reading order or against it; `at(hash, length)` sees the hash of every end or start of them. */
  const walk = (tokens: Uint32Array, direction: "forward" | "backward", at: (hash: number, length: number) => void): void => {
    hash.reset();
    for (let length = 1; length <= tokens.length; length++) {
      hash.add(tokens[direction === "forward" ? length - 1 : tokens.length - length]!);
      if (tokens.length - length <= MOST_AROUND) at(hash.value(), length);
    }
  };
  for (const row of rows) {
    const tokens = statements.viewTokens(row);
    if (tokens.length < LEAST_INSIDE) continue;
    for (const direction of ["forward", "backward"] as const) {
      walk(tokens, direction, (value, length) => {
        if (length === tokens.length) whole[direction].set(value, row);
      });
    }
  }
  for (const [done, row] of rows.entries()) {
    const tokens = statements.viewTokens(row);
    const most = Math.floor(tokens.length * LARGEST_PART_AROUND);
    for (const direction of ["forward", "backward"] as const) {
      walk(tokens, direction, (value, length) => {
        if (length === tokens.length || tokens.length - length > most) return;
        if (direction === "forward" && tokens.subarray(length).some(isFactToken)) return;
        const inside = whole[direction].get(value);
        if (inside !== undefined) pairs.note(row, inside);
      });
    }
    await pacer.tick("statements inside others", done + 1, rows.length);
  }
}

/** Pairs with the same numbers and signs and a Jaccard similarity of at least `threshold`. */
async function pairAlike(statements: StatementTable, rows: Uint32Array, pairs: Pairs, threshold: number, pacer: Pacer): Promise<void> {
  const size = BANDS * PLACES;
  const seeds = minHashSeeds(size);
  const signatures = new Uint32Array(rows.length * size);
  /** Hash of the numbers and signs of each statement in order: part of each band's key, so that a template's problems do not meet. */
  const facts = new Uint32Array(rows.length);
  for (const [place, row] of rows.entries()) {
    const tokens = statements.viewTokens(row);
    minHashInto(signatures.subarray(place * size, (place + 1) * size), shingles(tokens), seeds);
    let hash = 0;
    for (const token of tokens) if (isFactToken(token)) hash = mix32(Math.imul(hash, 0x9e3779b1) + token);
    facts[place] = hash;
    await pacer.tick("signatures", place + 1, rows.length);
  }
  const places = Uint32Array.from(rows.keys());
  const keys = new Uint32Array(rows.length);
  const isAlike = (a: number, b: number): boolean => {
    if (facts[a] !== facts[b]) return false;
    const [first, second] = [rows[a]!, rows[b]!];
    if (pairs.has(first, second)) return true;
    const similarity = similarityOf(statements, first, second);
    return similarity >= threshold && pairs.note(first, second, similarity);
  };
  for (let band = 0; band < BANDS; band++) {
    for (let place = 0; place < rows.length; place++) {
      let key = facts[place]!;
      for (let i = 0; i < PLACES; i++) key = mix32(Math.imul(key, 0x9e3779b1) + signatures[place * size + band * PLACES + i]!);
      keys[place] = key;
    }
    forEachRun(places, keys, (run) => {
      /** Rows of the run that repeat none before them in it. */
      const unlike: number[] = [];
      for (const place of run) if (!unlike.some((other) => isAlike(other, place)) && unlike.length < MOST_COMPARED) unlike.push(place);
    });
    await pacer.tick("near-duplicates", band + 1, BANDS);
  }
}
