// The panel that a terminal shows while a run goes on: a few lines, redrawn in place, each at most `columns` wide.
import { styleText } from "node:util";
import type { PhaseEvent } from "../events.ts";
import { bar, compactCount, duration, percent, sparkline } from "./figures.ts";
import { secondsLeft } from "./progress-state.ts";
import type { ProgressState } from "./progress-state.ts";

const SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏";

/** Lines of the panel at `now` seconds. */
export function renderPanel(state: ProgressState, now: number, columns: number): string[] {
  const lines = [header(state), ...stepLines(state), phaseLine(state, now)];
  return lines.filter((line) => line !== "").map((line) => cut(line, columns));
}

/** What the phase is called in front of people. */
export function phaseName(event: PhaseEvent): string {
  return event.phase.replaceAll("_", " ");
}

function header({ run, stage }: ProgressState): string {
  if (run === undefined) return "";
  const where = stage === undefined ? "" : `   stage ${stage.index}/${stage.count} ${stage.name}`;
  return `${styleText("bold", run.recipe)}${where}${styleText("dim", `   ${run.engine}, ${run.device}`)}`;
}

function stepLines(state: ProgressState): string[] {
  const { step } = state;
  if (step === undefined) return [];
  const m = step.metrics;
  const left = secondsLeft(state);
  const share = step.step / step.total_steps;
  return [
    `${styleText("cyan", bar(share, 28))}  step ${step.step}/${step.total_steps}  ${percent(share, 0)}   ETA ${left === undefined ? "-" : duration(left)}`,
    columns(
      ["reward", show(m["critic/score/mean"], 3), sparkline(state.rewards, 14)],
      ["entropy", show(m["actor/entropy"], 3, " nats"), sparkline(state.entropies, 14)],
    ),
    columns(
      [
        "length",
        show(m["response_length/mean"], 1, " tokens"),
        `max ${show(m["response_length/max"], 0)}, cut ${share100(m["response_length/clip_ratio"])}`,
      ],
      ["α", show(m["actor/entropy_coeff_realized"], 4), `clipped ${share100(m["actor/pg_clipfrac"])}`],
    ),
    columns(
      [
        "kept",
        show(m["batch/kept_groups"], 0, " groups"),
        `solved: none ${show(m["batch/solve_none"], 0)}, all ${show(m["batch/solve_all"], 0)}`,
      ],
      ["speed", `${m["perf/throughput"] === undefined ? "-" : compactCount(m["perf/throughput"])} tokens/s`, ""],
    ),
  ];
}

function phaseLine({ phase, phaseSince }: ProgressState, now: number): string {
  if (phase === undefined) return "";
  const spinner = SPINNER[Math.floor(now * 10) % SPINNER.length];
  const numbers = Object.entries(phase.metrics ?? {})
    .map(([name, value]) => `, ${name} ${show(value, 3)}`)
    .join("");
  return `${styleText("cyan", spinner!)} ${phaseName(phase)} ${phase.completed}/${phase.total} ${phase.unit}${numbers}  ${styleText("dim", duration(now - phaseSince))}`;
}

function columns(left: [string, string, string], right: [string, string, string]): string {
  const cell = ([name, value, note]: [string, string, string], widths: [number, number, number]) =>
    `${styleText("dim", name.padEnd(widths[0]))}${value.padEnd(widths[1])}${note.padEnd(widths[2])}`;
  return `${cell(left, [7, 13, 21])} ${cell(right, [8, 12, 14])}`.trimEnd();
}

function show(value: number | undefined, digits: number, unit = ""): string {
  return value === undefined ? "-" : value.toFixed(digits) + unit;
}

function share100(value: number | undefined): string {
  return value === undefined ? "-" : percent(value);
}

/** Cuts a styled line to `width` columns; every sign of the panel is one column wide. */
function cut(line: string, width: number): string {
  let shown = 0;
  // oxlint-disable-next-line no-control-regex -- escape sequences are what is looked for
  const parts = line.split(/(\u001B\[[\d;]*m)/);
  return parts
    .map((part, i) => {
      if (i % 2 === 1) return part;
      const kept = Array.from(part).slice(0, Math.max(0, width - shown));
      shown += kept.length;
      return kept.join("");
    })
    .join("");
}
