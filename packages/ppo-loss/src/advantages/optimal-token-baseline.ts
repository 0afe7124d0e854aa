// The optimal token baseline: at every position, the group's returns averaged by how much each path has varied so far.
import { checkGroupLayout } from "../group-layout.ts";
import type { GroupLayout } from "../group-layout.ts";
import { checkChoice, checkNumber } from "../option-checks.ts";
import { checkFiniteTokens } from "../token-layout.ts";
import type { TokenRows } from "../token-layout.ts";
import { checkTokenRewards, rewardsToGo } from "./token-estimate.ts";
import type { TokenAdvantages, TokenRewards } from "./token-estimate.ts";

/**
 * What counts as one position in two responses of a group.
 * - `column`: the place in the row, response token or not (verl's `optimal_token_baseline`).
 * - `response-token`: the number of response tokens before it, for responses of several turns (verl's `tir_optimal_token_baseline`).
 */
export type TokenAlignment = "column" | "response-token";

export interface OptimalTokenBaselineOptions extends TokenRewards {
  /** [tokens], nats: log-probability of the sampled token. */
  readonly oldLogProbs: ArrayLike<number>;
  /** [tokens], Σ π² over the vocabulary at each token. */
  readonly sumPiSquared: ArrayLike<number>;
  /** [tokens], importance weights of the rollout correction; absent: 1. */
  readonly rolloutWeights?: ArrayLike<number> | undefined;
  /** Default `column`. */
  readonly alignment?: TokenAlignment | undefined;
  /** Whether positions that only the longest response of a group reaches have baseline 0. Default `true`. */
  readonly zeroTail?: boolean | undefined;
  /** Added to the sum of weights. Default 1e-8. */
  readonly epsilon?: number | undefined;
}

/**
 * Returns `A_t = G_t − B_t` with `B_t = Σ G_t W_t / (Σ W_t + epsilon)` over the group's responses at position t,
 * `W_t = Σ_{s ≤ t} (1 − 2π_s + Σπ²_s) w_s²`, and G the rewards to go.
 *
 * Shapes: token columns and both results [tokens]. Mask: tokens outside it add nothing and have advantage 0.
 * Reduction: a group of one response has baseline 0; by `response-token`, one without tokens is no member. Precision: float64.
 *
 * @throws ShapeError when lengths differ. @throws NumericError on a response token's value that is not finite. @throws ConfigError on an
 * unknown alignment or a negative epsilon.
 * Source: verl 0.9.1 trainer/ppo/core_algos.py, `optimal_token_baseline` and `tir_optimal_token_baseline`.
 */
export function optimalTokenBaselineAdvantages(options: OptimalTokenBaselineOptions & GroupLayout): TokenAdvantages {
  const who = "optimalTokenBaselineAdvantages";
  const { tokenRewards, oldLogProbs, sumPiSquared, rolloutWeights, alignment = "column", zeroTail = true, epsilon = 1e-8 } = options;
  const rows = checkTokenRewards(who, options);
  const groups = checkGroupLayout(who, options, rows.rowCount);
  checkFiniteTokens(who, "oldLogProbs", oldLogProbs, rows);
  checkFiniteTokens(who, "sumPiSquared", sumPiSquared, rows);
  if (rolloutWeights !== undefined) checkFiniteTokens(who, "rolloutWeights", rolloutWeights, rows);
  checkChoice(who, "alignment", alignment, ["column", "response-token"]);
  checkNumber(who, "epsilon", epsilon, { least: 0 });

  const returns = rewardsToGo(tokenRewards, rows);
  const variance = (token: number): number =>
    (1 - 2 * Math.exp(oldLogProbs[token]!) + sumPiSquared[token]!) * (rolloutWeights?.[token] ?? 1) ** 2;
  const advantages = new Float64Array(rows.tokenCount);
  for (const group of groups.rows) {
    const members = alignment === "column" ? group : group.filter((row) => rows.lengths[row]! > 0);
    const paths = members.map((row) => responsePath(rows, row, alignment, variance));
    const baseline = members.length === 1 ? () => 0 : groupBaseline(paths, returns, epsilon);
    const end = zeroTail ? tailOf(members.map((row) => rows.lengths[row]!)) : undefined;
    paths.forEach((path, member) => {
      for (const { token, position } of path) {
        const isTail = end !== undefined && end.member === member && position >= end.from;
        advantages[token] = returns[token]! - (isTail ? 0 : baseline(position));
      }
    });
  }
  return { advantages, returns };
}

interface PathToken {
  token: number;
  position: number;
  /** W_t */
  weight: number;
}

/** Response tokens of a row with their position and cumulated weight. */
function responsePath(rows: TokenRows, row: number, alignment: TokenAlignment, variance: (token: number) => number): PathToken[] {
  const { from, to } = rows.span(row);
  const path: PathToken[] = [];
  let weight = 0;
  for (let token = from; token < to; token++) {
    if (!rows.isResponse(token)) continue;
    weight += variance(token);
    path.push({ token, position: alignment === "column" ? token - from : path.length, weight });
  }
  return path;
}

function groupBaseline(paths: readonly PathToken[][], returns: Float64Array, epsilon: number): (position: number) => number {
  const sums = new Map<number, { weighted: number; weights: number }>();
  for (const { token, position, weight } of paths.flat()) {
    const at = sums.get(position) ?? { weighted: 0, weights: 0 };
    sums.set(position, { weighted: at.weighted + returns[token]! * weight, weights: at.weights + weight });
  }
  return (position) => sums.get(position)!.weighted / (sums.get(position)!.weights + epsilon);
}

/** Which member alone is the longest, and the second-longest length: from there its baseline rests on itself only. */
function tailOf(lengths: readonly number[]): { member: number; from: number } | undefined {
  if (lengths.length < 2) return undefined;
  const [second, first] = lengths.toSorted((a, b) => a - b).slice(-2) as [number, number];
  return first > second ? { member: lengths.indexOf(first), from: second } : undefined;
}
