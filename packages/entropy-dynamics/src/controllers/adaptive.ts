// Adaptive entropy control of Skywork-OR1: the coefficient climbs while entropy is under its target, the bonus acts
// only there. The paper's rule and the released code's differ in gate timing and at equality; both are here.
import { ConfigError } from "@longcot/errors";

import { checkEntropy, checkStateKind } from "./entropy-controller.ts";
import type { EntropyController } from "./entropy-controller.ts";

/**
 * With c the coefficient, e the measured entropy and t the target:
 * - `paper`: α = c if e ≤ t else 0, with the current e; then c += Δ if e < t, c −= Δ if e > t, unchanged if equal.
 * - `code`: α = c if the previous e < t (on at first) else 0; then c += Δ if e < t, else c −= Δ.
 *
 * Both clamp c to [min, max] after the update.
 */
export type AdaptiveRule = "paper" | "code";

export interface AdaptiveControllerOptions {
  readonly kind: "adaptive";
  /** Default `paper`. */
  readonly rule?: AdaptiveRule;
  /** Entropy below which the bonus acts, in nats: a soft floor, not a set-point. Default 0.2. */
  readonly target?: number;
  /** Δ, the coefficient's step. Default 0.005. */
  readonly delta?: number;
  /** Coefficient of the first step. Default 0. */
  readonly initial?: number;
  /** Lower clamp. Default 0. */
  readonly min?: number;
  /** Upper clamp. Default none: a run far under its target can then overshoot, so watch `entropyAlarm`. */
  readonly max?: number;
}

/** Published settings: `paper` of arXiv 2505.22312 §3.2.5, `releasedScripts` of the repository's train scripts. */
export const adaptivePresets = {
  paper: { kind: "adaptive", rule: "paper", target: 0.2, delta: 0.005, initial: 0, min: 0 },
  releasedScripts: {
    kind: "adaptive",
    rule: "code",
    target: 0.2,
    delta: 0.0001,
    initial: 0,
    min: 0,
    max: 0.005,
  },
} as const satisfies Record<string, AdaptiveControllerOptions>;

/**
 * Returns a controller by one of the {@link AdaptiveRule}s. Its state is the coefficient and, under `code`, the gate.
 *
 * @throws ConfigError on an unknown rule, a target, step or bound that is not finite, or bounds that exclude `initial`.
 * Source: arXiv 2505.22312 eq. 3.2 (`paper`); SkyworkAI/Skywork-OR1 verl/trainer/ppo/core_algos.py EntController (`code`).
 */
export function adaptiveController(options: AdaptiveControllerOptions): EntropyController {
  const who = "adaptiveController";
  const { rule, target, delta, initial, min, max } = checkOptions(who, options);
  let coefficient = initial;
  let gateOpen = true;

  return {
    kind: "adaptive",
    observe(entropyNats) {
      checkEntropy(who, entropyNats);
      const isOpen = rule === "paper" ? entropyNats <= target : gateOpen;
      const step = { coefficient, alpha: isOpen ? coefficient : 0 };
      if (entropyNats < target) coefficient += delta;
      else if (entropyNats > target || rule === "code") coefficient -= delta;
      coefficient = Math.min(Math.max(coefficient, min), max);
      gateOpen = entropyNats < target;
      return step;
    },
    state: () => (rule === "paper" ? { kind: "adaptive", rule, coefficient } : { kind: "adaptive", rule, coefficient, gateOpen }),
    restore(state) {
      checkStateKind(who, "adaptive", state.kind);
      if (state["rule"] !== rule) {
        throw new ConfigError({
          who,
          argument: "state.rule",
          expected: `"${rule}"`,
          received: JSON.stringify(state["rule"]) ?? "nothing",
        });
      }
      const saved = state["coefficient"];
      if (typeof saved !== "number" || !(saved >= min && saved <= max)) {
        throw new ConfigError({
          who,
          argument: "state.coefficient",
          expected: `a number between ${min} and ${max}`,
          received: JSON.stringify(saved) ?? "nothing",
          fix: "Resume with bounds that contain the saved coefficient",
        });
      }
      const gate = state["gateOpen"];
      if (rule === "code" && typeof gate !== "boolean") {
        throw new ConfigError({
          who,
          argument: "state.gateOpen",
          expected: "true or false",
          received: JSON.stringify(gate) ?? "nothing",
        });
      }
      coefficient = saved;
      gateOpen = gate !== false;
    },
  };
}

function checkOptions(who: string, options: AdaptiveControllerOptions) {
  const { rule = "paper", target = 0.2, delta = 0.005, initial = 0, min = 0, max = Infinity } = options;
  if (rule !== "paper" && rule !== "code") {
    throw new ConfigError({
      who,
      argument: "rule",
      expected: "paper or code",
      received: String(rule),
    });
  }
  for (const [argument, value] of Object.entries({ target, delta, initial, min })) {
    if (!(value >= 0 && Number.isFinite(value))) {
      throw new ConfigError({
        who,
        argument,
        expected: "a finite number of zero or more",
        received: String(value),
      });
    }
  }
  if (!(initial >= min && initial <= max)) {
    throw new ConfigError({
      who,
      argument: "initial",
      expected: `between min ${min} and max ${max}`,
      received: String(initial),
    });
  }
  return { rule, target, delta, initial, min, max };
}
