// PI control of entropy: the coefficient follows the shortfall and its sum, within bounds. Holds entropy at its target, not only above it.
import { ConfigError } from "@longcot/errors";

import { checkEntropy, checkStateKind } from "./entropy-controller.ts";
import type { EntropyController } from "./entropy-controller.ts";
import { checkTarget, targetAt } from "./target-schedule.ts";
import type { EntropyTarget } from "./target-schedule.ts";

export interface ProportionalIntegralOptions {
  readonly kind: "pi";
  /** Level to hold, in nats, or a schedule of it. Default 0.2. */
  readonly target?: EntropyTarget;
  /** K_p: coefficient per nat of shortfall. Default 0.02. */
  readonly proportional?: number;
  /** K_i: coefficient per nat of shortfall and step. Default 0.005. */
  readonly integral?: number;
  /** Bounds of α; a negative lower bound also pushes entropy down. Default 0 and 0.1. */
  readonly min?: number;
  readonly max?: number;
}

/**
 * With e the measured entropy of step k, t its target and x = (t − e):
 *
 *     I ← I + K_i·x      α = clip(K_p·x + I, min, max)
 *
 * While α is at a bound, I does not grow further beyond it (clamping against wind-up). The bonus has no gate: above its
 * target a remaining I keeps α positive until it has run down, unlike the adaptive rules, whose target is a floor.
 *
 * @throws ConfigError on a gain or bound that is not finite, gains that are negative or both 0, or min ≥ max.
 * Source: Åström and Hägglund, PID Controllers (1995), §3.5 for clamping.
 */
export function proportionalIntegralController(options: ProportionalIntegralOptions): EntropyController {
  const who = "proportionalIntegralController";
  const { target = 0.2, proportional = 0.02, integral = 0.005, min = 0, max = 0.1 } = options;
  checkTarget(who, target);
  for (const [argument, value] of Object.entries({ proportional, integral }))
    if (!(value >= 0 && Number.isFinite(value)))
      throw new ConfigError({ who, argument, expected: "a finite number of zero or more", received: String(value) });
  if (proportional === 0 && integral === 0)
    throw new ConfigError({ who, argument: "proportional", expected: "above 0 where integral is 0", received: "0" });
  if (!(Number.isFinite(min) && Number.isFinite(max) && min < max))
    throw new ConfigError({ who, argument: "min", expected: `finite and below max ${max}`, received: String(min) });

  let sum = 0;
  let step = 0;
  return {
    kind: "pi",
    observe(entropyNats) {
      checkEntropy(who, entropyNats);
      const shortfall = targetAt(target, step++) - entropyNats;
      const next = sum + integral * shortfall;
      const wanted = proportional * shortfall + next;
      const alpha = Math.min(Math.max(wanted, min), max);
      // Winding up: beyond a bound and moving further out.
      if (wanted === alpha || (wanted > max && shortfall < 0) || (wanted < min && shortfall > 0)) sum = next;
      return { coefficient: wanted, alpha };
    },
    state: () => ({ kind: "pi", sum, step }),
    restore(state) {
      checkStateKind(who, "pi", state.kind);
      const { sum: savedSum, step: savedStep } = state;
      if (typeof savedSum !== "number" || !Number.isFinite(savedSum))
        throw new ConfigError({ who, argument: "state.sum", expected: "a finite number", received: JSON.stringify(savedSum) ?? "nothing" });
      if (!Number.isInteger(savedStep))
        throw new ConfigError({
          who,
          argument: "state.step",
          expected: "a whole number",
          received: JSON.stringify(savedStep) ?? "nothing",
        });
      sum = savedSum;
      step = savedStep as number;
    },
  };
}
