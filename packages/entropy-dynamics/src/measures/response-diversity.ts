// How different the responses to one prompt are: distinct answers, and the overlap of their n-grams.
import { ConfigError, ShapeError } from "@longcot/errors";

export interface ResponseDiversity {
  /** Mean over groups of distinct answers / responses; a response without an answer counts as one answer of its own kind, `none`. */
  readonly distinctAnswerShare: number;
  /** Mean over groups of the mean Jaccard overlap of n-gram sets over all pairs of responses: 1 is all alike. Absent: no two responses have n-grams. */
  readonly ngramOverlap: number | undefined;
}

/**
 * Returns the diversity inside groups, averaged over groups. Responses shorter than `n` tokens have no n-grams and are
 * left out of the pairs.
 *
 * Shapes: `responses` [rows] of token ids, `answers` [rows] (`undefined`: none found), both group by group, `groupSize` rows each.
 *
 * @throws ShapeError when rows do not divide into groups. @throws ConfigError unless n is a positive integer.
 */
export function responseDiversity(options: {
  readonly responses: readonly ArrayLike<number>[];
  readonly answers: readonly (string | undefined)[];
  readonly groupSize: number;
  /** Default 3. */
  readonly n?: number;
}): ResponseDiversity {
  const who = "responseDiversity";
  const { responses, answers, groupSize, n = 3 } = options;
  checkWindow(who, n);
  if (answers.length !== responses.length)
    throw new ShapeError({
      who,
      argument: "answers",
      expected: `one per response (${responses.length})`,
      received: String(answers.length),
    });
  if (responses.length === 0 || responses.length % groupSize !== 0)
    throw new ShapeError({
      who,
      argument: "responses",
      expected: `a multiple of ${groupSize}, at least one group`,
      received: String(responses.length),
    });
  let distinct = 0;
  let overlap = 0;
  let groupsWithPairs = 0;
  const groups = responses.length / groupSize;
  for (let group = 0; group < groups; group++) {
    const [start, end] = [group * groupSize, (group + 1) * groupSize];
    distinct += new Set(answers.slice(start, end).map((answer) => (answer === undefined ? "none" : `answer ${answer}`))).size / groupSize;
    const sets = responses
      .slice(start, end)
      .map((response) => ngrams(response, n))
      .filter((set) => set.size > 0);
    let [sum, pairs] = [0, 0];
    for (let i = 0; i < sets.length; i++)
      for (let j = i + 1; j < sets.length; j++) {
        sum += jaccard(sets[i]!, sets[j]!);
        pairs++;
      }
    if (pairs === 0) continue;
    overlap += sum / pairs;
    groupsWithPairs++;
  }
  return { distinctAnswerShare: distinct / groups, ngramOverlap: groupsWithPairs === 0 ? undefined : overlap / groupsWithPairs };
}

/**
 * Returns the mean over responses of the share of n-grams that occurred before in the same response: 0 is none repeated.
 * Responses shorter than `n` tokens are left out; `undefined` if none is left.
 *
 * @throws ConfigError unless n is a positive integer.
 */
export function repetitionRate(responses: readonly ArrayLike<number>[], n = 4): number | undefined {
  checkWindow("repetitionRate", n);
  let [sum, counted] = [0, 0];
  for (const response of responses) {
    const total = response.length - n + 1;
    if (total < 1) continue;
    sum += 1 - ngrams(response, n).size / total;
    counted++;
  }
  return counted === 0 ? undefined : sum / counted;
}

function ngrams(tokens: ArrayLike<number>, n: number): Set<string> {
  const set = new Set<string>();
  for (let start = 0; start + n <= tokens.length; start++) {
    let key = "";
    for (let i = start; i < start + n; i++) key += `${tokens[i]} `;
    set.add(key);
  }
  return set;
}

function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let shared = 0;
  for (const gram of a) if (b.has(gram)) shared++;
  return shared / (a.size + b.size - shared);
}

function checkWindow(who: string, n: number): void {
  if (!Number.isInteger(n) || n < 1) throw new ConfigError({ who, argument: "n", expected: "a positive integer", received: String(n) });
}
