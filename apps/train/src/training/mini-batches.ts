// How the groups of a step become the mini-batches of a pass.

import type { LossSettings } from "../recipe/loss-schema.ts";
import { keyedOrder } from "./prompts.ts";

/** Rows of one prompt's responses. */
export interface Group {
  rows: readonly number[];
  /** Response tokens that count, of all its rows. */
  tokens: number;
}

/**
 * The rows of `parts` mini-batches, some of them empty where there are fewer groups. Groups are taken in a keyed order and stay whole.
 * `shuffled` deals them one by one; `token_balanced` gives each, the longest first, to the mini-batch with the fewest tokens that has room
 * for one more, so that none has more groups than dealing would give it.
 */
export function dealGroups(
  groups: readonly Group[],
  { parts, rule, key }: { parts: number; rule: LossSettings["mini_batches"]; key: { seed: number; stage: number; epoch: number } },
): number[][] {
  const shuffled = keyedOrder(groups.length, key).map((i) => groups[i]!);
  if (rule === "shuffled")
    return Array.from({ length: parts }, (_, part) => shuffled.filter((_, i) => i % parts === part).flatMap(({ rows }) => rows));
  const room = Math.ceil(groups.length / parts);
  const batches = Array.from({ length: parts }, () => ({ groups: [] as Group[], tokens: 0 }));
  for (const group of shuffled.toSorted((a, b) => b.tokens - a.tokens)) {
    const open = batches.filter((batch) => batch.groups.length < room);
    const least = open.reduce((best, batch) => (batch.tokens < best.tokens ? batch : best));
    least.groups.push(group);
    least.tokens += group.tokens;
  }
  return batches.map((batch) => batch.groups.flatMap(({ rows }) => rows));
}
