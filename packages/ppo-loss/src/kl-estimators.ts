// Estimators of KL(π ‖ π_ref) from the log-probabilities of sampled tokens: their names, and their values on plain numbers.
import { checkChoice } from "./option-checks.ts";

/** An estimator whose value and gradient are of one formula; `kl`, `mse` and `low_var_kl` are verl's names of k1, k2 and k3. */
export type KlEstimatorBase = "k1" | "k2" | "k3" | "abs" | "kl" | "mse" | "low_var_kl";

/**
 * With d = log π − log π_ref of the sampled token:
 * - `k1` (`kl`): d. Unbiased, may be negative; its gradient has mean 0, so that it is no use in a loss.
 * - `abs`: |d|.
 * - `k2` (`mse`): d² / 2. Its gradient is an unbiased gradient of the KL.
 * - `k3` (`low_var_kl`): e^(−d) + d − 1. Unbiased, never negative. d is clamped to ±20 and the result to at most 10, as in verl.
 * - with a `+`: the value of the estimator with the gradient of k2 (straight-through).
 *
 * Source: J. Schulman, "Approximating KL divergence" (2020); verl 0.9.1 trainer/ppo/core_algos.py, `kl_penalty`.
 */
export type KlEstimator = KlEstimatorBase | `${KlEstimatorBase}+`;

const BASES: readonly KlEstimatorBase[] = ["k1", "k2", "k3", "abs", "kl", "mse", "low_var_kl"];

/** Every accepted {@link KlEstimator}. */
export const klEstimators: readonly KlEstimator[] = [...BASES, ...BASES.map((base) => `${base}+` as const)];

/** |d| at which k3 stops growing before `exp`, and its largest value. */
export const K3_LIMITS = { logRatio: 20, value: 10 } as const;

/** What an estimator's name says: the formula of its value, and whether its gradient is that of k2. */
export interface KlFormula {
  readonly value: "k1" | "k2" | "k3" | "abs";
  readonly gradientOfK2: boolean;
}

/** Reads an estimator's name. @throws ConfigError on an unknown one. */
export function klFormula(who: string, estimator: KlEstimator): KlFormula {
  checkChoice(who, "klEstimator", estimator, klEstimators);
  const gradientOfK2 = estimator.endsWith("+");
  const base = (gradientOfK2 ? estimator.slice(0, -1) : estimator) as KlEstimatorBase;
  return { value: VALUES[base], gradientOfK2 };
}

const VALUES: Readonly<Record<KlEstimatorBase, KlFormula["value"]>> = {
  k1: "k1",
  kl: "k1",
  k2: "k2",
  mse: "k2",
  k3: "k3",
  low_var_kl: "k3",
  abs: "abs",
};

/** The estimate in nats for `difference` = log π − log π_ref of one token. @throws ConfigError on an unknown estimator. */
export function klEstimate(difference: number, estimator: KlEstimator): number {
  switch (klFormula("klEstimate", estimator).value) {
    case "k1":
      return difference;
    case "abs":
      return Math.abs(difference);
    case "k2":
      return difference ** 2 / 2;
    case "k3": {
      const clamped = Math.min(Math.max(difference, -K3_LIMITS.logRatio), K3_LIMITS.logRatio);
      return Math.min(Math.expm1(-clamped) + clamped, K3_LIMITS.value);
    }
  }
}
