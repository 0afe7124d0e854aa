// What every memory plan is made of: what is held throughout, the phases beside it of which the largest counts, and what there is.

import { constrainedMemory } from "node:process";
import { totalmem } from "node:os";
import type { ModelConfig } from "@longcot/language-model";
import { ConfigError } from "@longcot/errors";
import type { MemoryPlan } from "../events.ts";
import { gibibytes, phaseName } from "../progress/memory-plan-lines.ts";

/** Node with the program's modules, TensorFlow's library, and the arrays and strings of the loop. */
const PROGRAM_BYTES = 650 * 2 ** 20;
/** A compiled function's graph and its kernels, per layer. */
const COMPILED_LAYER_BYTES = 2 * 2 ** 20;
/** TensorFlow's allocator keeps what it has taken and fits tensors into gaps: measured 1.1 to 1.3 times what is in use. */
export const ALLOCATOR_OVERHEAD = 1.2;

/** Bytes of the program with `functions` compiled that have the model in them. */
export const programBytes = ({ layers }: ModelConfig, functions: number): number =>
  PROGRAM_BYTES + functions * layers * COMPILED_LAYER_BYTES;

/** What a recipe allows, or what there is: the machine's memory, or this process's share of it. */
export function memoryLimit(limitGib: number | undefined): number {
  if (limitGib !== undefined) return limitGib * 2 ** 30;
  const share = constrainedMemory();
  return share > 0 ? Math.min(share, totalmem()) : totalmem();
}

/** The plan of `held` throughout and the largest of `phases` beside it. */
export function planOf<Held extends string, Phase extends string>(
  held: Record<Held, number>,
  phases: Record<Phase, number>,
  limitGib: number | undefined,
): MemoryPlan<Held, Phase> {
  const [peakPhase, largest] = (Object.entries(phases) as [Phase, number][]).reduce((most, phase) => (phase[1] > most[1] ? phase : most));
  const sum = (Object.values(held) as number[]).reduce((a, b) => a + b, 0);
  return {
    held_bytes: whole(held),
    phase_bytes: whole(phases),
    peak_phase: peakPhase,
    peak_bytes: Math.round(sum + largest),
    limit_bytes: memoryLimit(limitGib),
  };
}

/** A setting, as `--set` takes it, and what the run would take with it. */
export type Change = readonly [setting: string, bytes: number];

/**
 * @param changes each of one setting, the one to be preferred first; asked for only where the plan does not fit.
 * @throws ConfigError where the plan does not fit, naming the first change with which it does, or the one that helps most.
 */
export function checkPlanFits(
  plan: MemoryPlan<string, string>,
  { who, limitGib, changes }: { who: string; limitGib: number | undefined; changes: () => readonly Change[] },
): void {
  if (plan.peak_bytes <= plan.limit_bytes) return;
  throw new ConfigError({
    who,
    argument: "memory",
    expected: `at most ${gibibytes(plan.limit_bytes)}, ${limitGib === undefined ? "what this machine has" : "memory.limit_gib"}`,
    received: `a run that takes ${gibibytes(plan.peak_bytes)} at its peak (${phaseName(plan.peak_phase)})`,
    fix: remedy(plan, changes()),
  });
}

function remedy(plan: MemoryPlan<string, string>, changes: readonly Change[]): string {
  const fitting = changes.find(([, bytes]) => bytes <= plan.limit_bytes);
  if (fitting !== undefined) return `Add --set ${fitting[0]}: ${gibibytes(fitting[1])}`;
  const best = changes.toSorted((a, b) => a[1] - b[1])[0];
  return best !== undefined && best[1] < plan.peak_bytes
    ? `No one setting is enough; --set ${best[0]} helps most: ${gibibytes(best[1])}`
    : "Take a smaller model";
}

const whole = <Key extends string>(bytes: Record<Key, number>): Record<Key, number> =>
  Object.fromEntries(Object.entries<number>(bytes).map(([name, value]) => [name, Math.round(value)])) as Record<Key, number>;
