// The online filter: between stages of training, drop the prompts that the actor solved when it last met them.
// Source: arXiv 2505.22312, section 3.1, which describes it and releases no code.

/** How the groups of one training step came out, those that are rejected afterwards too. */
export interface GroupPassRates {
  /** One a group. */
  promptIds: readonly number[];
  /** Right responses of each group. */
  passed: readonly number[];
  /** Responses a group. */
  groupSize: number;
}

export interface OnlineFilterOptions {
  /** A group with at least this share of right responses solves its prompt; default 1. */
  solvedAt?: number;
  /** Prompts that the next stage needs at least; default 1. */
  atLeast?: number;
}

export interface OnlineFiltered<Prompt> {
  /** In the order given. */
  prompts: Prompt[];
  /** Solved prompts left out. */
  dropped: number;
  /** Solved prompts that stay all the same, those solved longest ago, since fewer than `atLeast` would be left without them. */
  stayed: number;
}

/**
 * Drops the prompts whose newest group solves them; a prompt that no group answered stays.
 * @param prompts Named by `index`, as in `promptIds`.
 * @param steps The steps of the stages before, oldest first.
 */
export function dropSolvedPrompts<Prompt extends { readonly index: number }>(
  prompts: readonly Prompt[],
  steps: readonly GroupPassRates[],
  { solvedAt = 1, atLeast = 1 }: OnlineFilterOptions = {},
): OnlineFiltered<Prompt> {
  const solvedIn = new Map<number, number>();
  for (const [step, { promptIds, passed, groupSize }] of steps.entries()) {
    promptIds.forEach((id, group) => {
      if (passed[group]! / groupSize >= solvedAt) solvedIn.set(id, step);
      else solvedIn.delete(id);
    });
  }
  const oldestFirst = prompts
    .filter(({ index }) => solvedIn.has(index))
    .toSorted((a, b) => solvedIn.get(a.index)! - solvedIn.get(b.index)! || a.index - b.index);
  const stayed = Math.min(oldestFirst.length, Math.max(0, atLeast - (prompts.length - oldestFirst.length)));
  const dropped = new Set(oldestFirst.slice(stayed).map(({ index }) => index));
  return { prompts: prompts.filter(({ index }) => !dropped.has(index)), dropped: dropped.size, stayed };
}
