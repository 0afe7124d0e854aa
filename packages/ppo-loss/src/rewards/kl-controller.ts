// Coefficients of a KL penalty: constant, or driven towards a target KL.
import { checkNumber } from "../option-checks.ts";

export interface KlController {
  /** β to use next. */
  readonly coefficient: number;
  /** Takes the KL measured with `coefficient`, over `samples` responses; returns the next coefficient. */
  observe(kl: number, samples: number): number;
  /** What a checkpoint keeps; give it back as `coefficient` of a new controller. */
  state(): { coefficient: number };
}

/** A coefficient that stays. @throws ConfigError on a negative one. */
export function fixedKlController({ coefficient }: { readonly coefficient: number }): KlController {
  checkNumber("fixedKlController", "coefficient", coefficient, { least: 0 });
  return { coefficient, observe: () => coefficient, state: () => ({ coefficient }) };
}

/**
 * A coefficient that follows `β ← β (1 + clip(KL / target − 1, ±0.2) · samples / horizon)`.
 *
 * @throws ConfigError on a negative coefficient, or a target or horizon that is not above 0.
 * Source: arXiv 1909.08593 §2.2; verl 0.9.1 trainer/ppo/core_algos.py, `AdaptiveKLController`.
 *
 * @example adaptiveKlController({ coefficient: 0.2, target: 6, horizon: 10000 }).observe(9, 256) // 0.201024
 */
export function adaptiveKlController(options: {
  /** β to begin with. */
  readonly coefficient: number;
  /** KL to hold, nats, in the unit that is observed. */
  readonly target: number;
  /** Responses over which a lasting error of 20 % changes β by about 20 %. */
  readonly horizon: number;
}): KlController {
  const who = "adaptiveKlController";
  const { target, horizon } = options;
  let { coefficient } = options;
  checkNumber(who, "coefficient", coefficient, { least: 0 });
  checkNumber(who, "target", target, { least: 0, exclusive: true });
  checkNumber(who, "horizon", horizon, { least: 0, exclusive: true });
  return {
    get coefficient() {
      return coefficient;
    },
    observe(kl, samples) {
      checkNumber(`${who}.observe`, "kl", kl, {});
      checkNumber(`${who}.observe`, "samples", samples, { least: 0 });
      const error = Math.min(Math.max(kl / target - 1, -PROPORTIONAL_LIMIT), PROPORTIONAL_LIMIT);
      coefficient *= 1 + (error * samples) / horizon;
      return coefficient;
    },
    state: () => ({ coefficient }),
  };
}

/** Largest relative error that counts. */
const PROPORTIONAL_LIMIT = 0.2;
