// A controller's target as a function of the step: constant, or moving between two levels.
import { ConfigError } from "@longcot/errors";

/**
 * With p = min(k / steps, 1) at step k = 0, 1, …:
 * - `linear`: from + (to − from) · p
 * - `cosine`: from + (to − from) · (1 − cos πp) / 2
 * - `exponential`: from · (to / from)^p
 */
export interface TargetSchedule {
  readonly shape: "linear" | "cosine" | "exponential";
  /** Target of the first step and of every step from `steps` on, in nats. */
  readonly from: number;
  readonly to: number;
  /** Steps that the way from one to the other takes. */
  readonly steps: number;
}

/** A constant target, in nats, or a schedule. */
export type EntropyTarget = number | TargetSchedule;

/** Returns the target of step `k`, counted from 0; of the last step for k = Infinity. */
export function targetAt(target: EntropyTarget, k: number): number {
  if (typeof target === "number") return target;
  const { shape, from, to, steps } = target;
  const p = Math.min(k / steps, 1);
  switch (shape) {
    case "linear":
      return from + (to - from) * p;
    case "cosine":
      return from + ((to - from) * (1 - Math.cos(Math.PI * p))) / 2;
    case "exponential":
      return from * (to / from) ** p;
  }
}

/** @throws ConfigError unless a constant target is finite and at least 0, or a schedule's levels are above 0 and its steps a positive integer. */
export function checkTarget(who: string, target: EntropyTarget): void {
  const fail = (argument: string, expected: string, received: unknown) => {
    throw new ConfigError({ who, argument, expected, received: String(received) });
  };
  if (typeof target === "number") {
    if (!(target >= 0 && Number.isFinite(target))) fail("target", "a finite number of zero or more", target);
    return;
  }
  if (!["linear", "cosine", "exponential"].includes(target.shape)) fail("target.shape", "linear, cosine or exponential", target.shape);
  for (const level of ["from", "to"] as const)
    if (!(target[level] > 0 && Number.isFinite(target[level]))) fail(`target.${level}`, "a finite number above 0", target[level]);
  if (!(Number.isInteger(target.steps) && target.steps >= 1)) fail("target.steps", "a positive integer", target.steps);
}
