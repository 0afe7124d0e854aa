// The facts of a run as lines of text.
import stringWidth from "string-width";
import type { OpenRun } from "./open-run.ts";
import type { DamagedStep, GroupFacts, RowFacts, StepFacts } from "./step-facts.ts";
import { withoutControls } from "./token-texts.ts";

/** The run in one line, then a line for each step. */
export function runTable({ path, recipe, status, stepsDone, totalSteps }: OpenRun, steps: readonly (StepFacts | DamagedStep)[]): string {
  const head = `${path}: recipe ${recipe.name}, ${status}, ${stepsDone} of ${totalSteps} steps done`;
  if (steps.length === 0) return `${head}\nno rollouts yet`;
  const rows = steps.map((facts) =>
    "damage" in facts
      ? [String(facts.step), "damaged", facts.damage]
      : [
          String(facts.step),
          facts.state,
          String(facts.stage),
          String(facts.groups),
          facts.groups_with_signal === null ? "–" : String(facts.groups_with_signal),
          ...rowCells(facts),
        ],
  );
  return `${head}\n\n${table([["step", "state", "stage", "groups", "with signal", ...ROW_HEAD], ...rows])}`;
}

/** A step in one line, then a line for each group. */
export function stepTable(facts: StepFacts, groups: readonly GroupFacts[]): string {
  const head = `step ${facts.step}, ${facts.state}: stage ${facts.stage}, ${facts.groups} groups, policy after ${facts.weight_version} updates`;
  const rows = groups.map((group) => [
    String(group.prompt_id),
    withoutControls(group.level === null ? group.data_source : `${group.data_source} ${group.level}`),
    ...rowCells(group),
    (group.rewards ?? []).map((reward) => String(Number(reward.toFixed(2)))).join(" "),
  ]);
  return `${head}\n\n${table([["prompt", "source", ...ROW_HEAD, "rewards"], ...rows])}`;
}

/** A prompt's groups, a line for each step that it came in. */
export function promptTable(promptId: number, groups: readonly (GroupFacts & { step: number })[]): string {
  const rows = groups.map((group) => [String(group.step), ...rowCells(group)]);
  return `prompt ${promptId}, ${groups.length} ${groups.length === 1 ? "step" : "steps"}\n\n${table([["step", ...ROW_HEAD], ...rows])}`;
}

const ROW_HEAD = ["rows", "reward", "tokens", "longest", "cut", "log p", "entropy", "outcomes"];

function rowCells(facts: RowFacts): string[] {
  const figure = (value: number | null, digits: number): string => (value === null ? "–" : value.toFixed(digits));
  return [
    String(facts.rows),
    figure(facts.reward_mean, 3),
    facts.response_length_mean.toFixed(1),
    String(facts.response_length_max),
    `${(facts.truncated_ratio * 100).toFixed(0)}%`,
    figure(facts.log_prob_mean, 3),
    figure(facts.entropy_mean, 3),
    Object.entries(facts.outcomes)
      .toSorted(([, a], [, b]) => b - a)
      .map(([outcome, count]) => `${count} ${outcome}`)
      .join(", "),
  ];
}

/** Columns side by side; those of numbers to the right. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) =>
    Math.max(...rows.map((row) => (row.length < rows[0]!.length ? 0 : stringWidth(row[column] ?? "")))),
  );
  const isNumeric = rows[0]!.map((_, column) =>
    rows.slice(1).every((row) => row.length < rows[0]!.length || /^(–|-?[\d.]+%?)$/.test(row[column]!)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => {
          const gap = " ".repeat(Math.max(0, widths[column]! - stringWidth(cell)));
          return isNumeric[column] ? gap + cell : cell + gap;
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
