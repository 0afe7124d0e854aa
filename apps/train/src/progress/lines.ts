// Progress for logs: one line a step, a line every few seconds of a long phase, never an escape sequence.
import type { PhaseEvent, StepEvent } from "../events.ts";
import { compactCount, duration, percent } from "./figures.ts";
import { phaseName } from "./panel.ts";
import { secondsLeft } from "./progress-state.ts";
import type { ProgressState } from "./progress-state.ts";

/** `step 27/40 long  reward 0.642  entropy 0.213  …`: what one wants to grep in a log. */
export function stepLine(event: StepEvent, state: ProgressState): string {
  const m = event.metrics;
  const width = String(event.total_steps).length;
  const left = secondsLeft(state);
  const fields: [string, string | undefined][] = [
    ["reward", fixed(m["critic/score/mean"], 3)],
    ["entropy", fixed(m["actor/entropy"], 3)],
    ["length", fixed(m["response_length/mean"], 1)],
    ["cut", m["response_length/clip_ratio"] === undefined ? undefined : percent(m["response_length/clip_ratio"], 0)],
    ["alpha", fixed(m["actor/entropy_coeff_realized"], 4)],
    ["clipped", m["actor/pg_clipfrac"] === undefined ? undefined : percent(m["actor/pg_clipfrac"])],
    ["kept", fixed(m["batch/kept_groups"], 0)],
    ["tokens/s", m["perf/throughput"] === undefined ? undefined : compactCount(m["perf/throughput"])],
    ["ETA", left === undefined ? undefined : duration(left)],
  ];
  const shown = fields.filter((field) => field[1] !== undefined).map(([name, value]) => `${name} ${value}`);
  return [`step ${String(event.step).padStart(width)}/${event.total_steps} ${event.stage}`, ...shown].join("  ");
}

/** `cold start 120/250 steps  loss 0.412`. */
export function phaseProgressLine(event: PhaseEvent): string {
  const numbers = Object.entries(event.metrics ?? {}).map(([name, value]) => `${name} ${value.toFixed(3)}`);
  return [`${phaseName(event)} ${event.completed}/${event.total} ${event.unit}`, ...numbers].join("  ");
}

function fixed(value: number | undefined, digits: number): string | undefined {
  return value?.toFixed(digits);
}
