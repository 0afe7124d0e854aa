// The memory plan in words: a line in a run's progress, a table for `--plan`.
import type { MemoryPlan, MemoryPlanEvent } from "../events.ts";
import type { SupervisedPlan } from "../training/supervised-memory.ts";

const HELD = {
  program: "program",
  weights: "weights",
  critic: "critic and its optimizer",
  reference: "reference model",
  gradients: "gradients",
  moments: "optimizer moments",
  rollouts: "rollout buffers",
  examples: "examples",
} as const satisfies Record<keyof (MemoryPlanEvent & SupervisedPlan)["held_bytes"], string>;

const PHASES = {
  teacher: "teacher",
  validation: "validation",
  generation: "generation, key-value cache",
  old_log_prob: "old log-probabilities",
  train: "activations, forward and backward",
  update: "AdamW's update",
} as const satisfies Record<keyof (MemoryPlanEvent & SupervisedPlan)["phase_bytes"], string>;

type AnyPlan = MemoryPlan<string, string>;
const heldName = (part: string): string => HELD[part as keyof typeof HELD];
/** The phase in words. */
export const phaseName = (phase: string): string => PHASES[phase as keyof typeof PHASES];

/** `11.3 GiB`. */
export const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(bytes < 10 * 2 ** 30 ? 2 : 1)} GiB`;

export function memoryPlanLine(plan: AnyPlan): string {
  const { held_bytes: held, phase_bytes: phases, peak_phase: phase } = plan;
  const parts = [
    ...Object.entries(held).flatMap(([name, bytes]) => (bytes === 0 ? [] : [`${heldName(name)} ${gibibytes(bytes)}`])),
    `${phaseName(phase)} ${gibibytes(phases[phase]!)}`,
  ];
  return `memory: ${gibibytes(plan.peak_bytes)} at the peak, of ${gibibytes(plan.limit_bytes)} (${parts.join(", ")})`;
}

export function memoryPlanTable(plan: AnyPlan): string[] {
  const { held_bytes: held, phase_bytes: phases, peak_phase: phase } = plan;
  const row = (name: string, bytes: number, note = "") => `  ${name.padEnd(36)}${gibibytes(bytes).padStart(11)}${note}`;
  return [
    "throughout",
    ...Object.entries(held).flatMap(([name, bytes]) => (bytes === 0 ? [] : [row(heldName(name), bytes)])),
    "beside it, the largest of",
    ...Object.entries(phases).map(([name, bytes]) => row(phaseName(name), bytes, name === phase ? "  the peak" : "")),
    "together",
    row("at the peak", plan.peak_bytes),
    row("there is", plan.limit_bytes),
  ];
}
