// Adaptive entropy control of Skywork-OR1: the coefficient climbs while entropy is under its target, the bonus acts
// only there. The paper's rule, the released code's and TRL's differ in gate timing and at equality; all are here.
import { ConfigError } from "@longcot/errors";

import { checkEntropy, checkStateKind } from "./entropy-controller.ts";
import type { EntropyController } from "./entropy-controller.ts";
import { checkTarget, targetAt } from "./target-schedule.ts";
import type { EntropyTarget } from "./target-schedule.ts";

/**
 * With c the coefficient, e the measured entropy and t the target:
 * - `paper`: α = c if e ≤ t else 0, with the current e; then c += Δ if e < t, c −= Δ if e > t, unchanged if equal.
 * - `code`: α = c if the previous e < t (on at first) else 0; then c += Δ if e < t, else c −= Δ.
 * - `trl`: α = c if the previous e ≤ t (off at first) else 0; then c += Δ if e ≤ t, else c −= Δ.
 *
 * All clamp c to [min, max] after the update. Where the target moves, t is that of the step whose e is compared.
 */
export type AdaptiveRule = "paper" | "code" | "trl";

export interface AdaptiveControllerOptions {
  readonly kind: "adaptive";
  /** Default `paper`. */
  readonly rule?: AdaptiveRule;
  /** Entropy below which the bonus acts, in nats: a soft floor, not a set-point; or a schedule of it. Default 0.2. */
  readonly target?: EntropyTarget;
  /** Δ, the coefficient's step. Default 0.005. */
  readonly delta?: number;
  /** Coefficient of the first step. Default 0. */
  readonly initial?: number;
  /** Lower clamp. Default 0. */
  readonly min?: number;
  /** Upper clamp. Default none: a run far under its target can then overshoot, so watch `entropyAlarm`. */
  readonly max?: number;
}

/** Published settings: `paper` of arXiv 2505.22312 §3.2.5, `releasedScripts` of its repository's train scripts, `trl` the defaults of TRL 1.16. */
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
  trl: { kind: "adaptive", rule: "trl", target: 0.2, delta: 0.005, initial: 0, min: 0, max: 1 },
} as const satisfies Record<string, AdaptiveControllerOptions>;

/**
 * Returns a controller by one of the {@link AdaptiveRule}s. Its state is the coefficient, the gate where that lags, and the step where the target moves.
 *
 * @throws ConfigError on an unknown rule, a target, step or bound that is not finite, or bounds that exclude `initial`.
 * Source: arXiv 2505.22312 eq. 3.2 (`paper`); SkyworkAI/Skywork-OR1 verl/trainer/ppo/core_algos.py EntController (`code`);
 * huggingface/trl 1.16.0 trl/trainer/grpo_trainer.py, entropy_coef (`trl`).
 */
export function adaptiveController(options: AdaptiveControllerOptions): EntropyController {
  const who = "adaptiveController";
  const { rule, target, delta, initial, min, max } = checkOptions(who, options);
  const isMoving = typeof target !== "number";
  const isLagging = rule !== "paper";
  let coefficient = initial;
  let gateOpen = rule === "code";
  let step = 0;
  return {
    kind: "adaptive",
    observe(entropyNats) {
      checkEntropy(who, entropyNats);
      const level = targetAt(target, step++);
      const isBelow = rule === "trl" ? entropyNats <= level : entropyNats < level;
      const isOpen = isLagging ? gateOpen : entropyNats <= level;
      const decided = { coefficient, alpha: isOpen ? coefficient : 0 };
      if (isBelow) coefficient += delta;
      else if (entropyNats > level || rule === "code") coefficient -= delta;
      coefficient = Math.min(Math.max(coefficient, min), max);
      gateOpen = isBelow;
      return decided;
    },
    state: () => ({ kind: "adaptive", rule, coefficient, ...(isLagging ? { gateOpen } : {}), ...(isMoving ? { step } : {}) }),
    restore(state) {
      checkStateKind(who, "adaptive", state.kind);
      const check = (key: string, fits: (value: unknown) => boolean, expected: string, fix?: string) => {
        if (!fits(state[key]))
          throw new ConfigError({
            who,
            argument: `state.${key}`,
            expected,
            received: JSON.stringify(state[key]) ?? "nothing",
            ...(fix === undefined ? {} : { fix }),
          });
      };
      check("rule", (value) => value === rule, `"${rule}"`);
      check(
        "coefficient",
        (value) => typeof value === "number" && value >= min && value <= max,
        `a number between ${min} and ${max}`,
        "Resume with bounds that contain the saved coefficient",
      );
      if (isLagging) check("gateOpen", (value) => typeof value === "boolean", "true or false");
      if (isMoving) check("step", Number.isInteger, "a whole number");
      coefficient = state["coefficient"] as number;
      if (isLagging) gateOpen = state["gateOpen"] as boolean;
      if (isMoving) step = state["step"] as number;
    },
  };
}

function checkOptions(who: string, options: AdaptiveControllerOptions) {
  const { rule = "paper", target = 0.2, delta = 0.005, initial = 0, min = 0, max = Infinity } = options;
  if (rule !== "paper" && rule !== "code" && rule !== "trl") {
    throw new ConfigError({
      who,
      argument: "rule",
      expected: "paper, code or trl",
      received: String(rule),
    });
  }
  checkTarget(who, target);
  for (const [argument, value] of Object.entries({ delta, initial, min })) {
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
