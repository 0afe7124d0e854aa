// What a step's rollouts say in figures: of the step, and of each group.
import type { Rollouts } from "@longcot/rollout-buffer";

/** How far a step has come: its responses are there; graded and scored as well; the update is done. */
export type StepState = "generated" | "scored" | "trained" | "damaged";

/** Figures over some rows. Null: not known yet. */
export interface RowFacts {
  rows: number;
  reward_mean: number | null;
  /** Rows of each outcome; empty before grading. */
  outcomes: Record<string, number>;
  /** Tokens. */
  response_length_mean: number;
  response_length_max: number;
  /** Share of rows cut at the context cap. */
  truncated_ratio: number;
  /** Mean over tokens, nats. */
  entropy_mean: number | null;
  /** Mean over tokens of the sampler's log-probability, nats; null where no row has a token. */
  log_prob_mean: number | null;
}

export interface StepFacts extends RowFacts {
  step: number;
  state: StepState;
  stage: number;
  weight_version: number;
  groups: number;
  /** Groups whose rewards differ: those that an update learns from. */
  groups_with_signal: number | null;
}

export interface GroupFacts extends RowFacts {
  prompt_id: number;
  data_source: string;
  level: number | null;
  rewards: number[] | null;
}

/** A step that cannot be read. */
export interface DamagedStep {
  step: number;
  state: "damaged";
  damage: string;
}

/** The figures of a stored step. */
export function stepFacts(rollouts: Rollouts, isTrained: boolean): StepFacts {
  const groups = [...rollouts.groups()];
  const rewards = rollouts.has("reward") ? rollouts.viewPerRow("reward") : undefined;
  const hasSignal = ({ from, to }: { from: number; to: number }): boolean =>
    rewards!.subarray(from, to).some((reward) => reward !== rewards![from]);
  return {
    step: rollouts.metadata.step,
    state: rewards === undefined ? "generated" : isTrained ? "trained" : "scored",
    stage: rollouts.viewPerRow("stage")[0]!,
    weight_version: rollouts.viewPerRow("weight_version")[0]!,
    groups: groups.length,
    groups_with_signal: rewards === undefined ? null : groups.filter(hasSignal).length,
    ...rowFacts(rollouts),
  };
}

/** The figures of each group of a step. */
export function groupFacts(rollouts: Rollouts): GroupFacts[] {
  return [...rollouts.groups()].map(({ promptId, from, to }) => {
    const group = rollouts.slice(from, to);
    const { dataSource, level } = group.viewRow(0);
    return {
      prompt_id: promptId,
      data_source: dataSource,
      level: level ?? null,
      rewards: group.has("reward") ? [...group.viewPerRow("reward")] : null,
      ...rowFacts(group),
    };
  });
}

function rowFacts(rollouts: Rollouts): RowFacts {
  const { length } = rollouts;
  const lengths = Array.from(rollouts.lists("response_tokens"), (tokens) => tokens.length);
  const outcomes: Record<string, number> = {};
  if (rollouts.has("outcome")) for (const outcome of rollouts.copyCategories("outcome")) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  return {
    rows: length,
    reward_mean: rollouts.has("reward") ? sum(rollouts.viewPerRow("reward")) / length : null,
    outcomes,
    response_length_mean: sum(lengths) / length,
    response_length_max: lengths.reduce((most, tokens) => Math.max(most, tokens), 0),
    truncated_ratio: rollouts.copyCategories("finish_reason").filter((reason) => reason === "length").length / length,
    entropy_mean: rollouts.has("entropies") ? tokenMean(rollouts, "entropies") : null,
    log_prob_mean: tokenMean(rollouts, "rollout_log_probs"),
  };
}

function tokenMean(rollouts: Rollouts, column: "entropies" | "rollout_log_probs"): number | null {
  let total = 0;
  for (const list of rollouts.lists(column)) total += sum(list);
  return rollouts.responseTokenCount === 0 ? null : total / rollouts.responseTokenCount;
}

function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total;
}
