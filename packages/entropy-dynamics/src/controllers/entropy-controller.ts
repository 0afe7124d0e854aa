// The one interface of entropy controllers: an entropy in, the bonus's coefficient out, state as plain JSON.
import { ConfigError, NumericError } from "@longcot/errors";

/** What a controller decides for one step. */
export interface EntropyStep {
  /** The controller's coefficient before gating; Skywork's `actor/entropy_coeff`. */
  readonly coefficient: number;
  /** α: weight of the entropy bonus in this step's loss; Skywork's `actor/entropy_coeff_realized`. */
  readonly alpha: number;
}

/** State of a controller as plain JSON, for checkpoints. `kind` names the controller that wrote it. */
export type EntropyControllerState = { readonly kind: string } & Readonly<Record<string, string | number | boolean>>;

/**
 * Sets the weight of the entropy bonus, one step at a time. Measure the entropy of the step's rollouts before its
 * update (see `monteCarloEntropy`), call {@link observe} once, use the returned α in all of the step's losses. A step
 * without kept tokens has no entropy and no update: do not call it then.
 */
export interface EntropyController {
  /** Name in the registry. */
  readonly kind: string;
  /**
   * Returns the coefficient and α of the step whose rollouts have `entropyNats`, and moves on to the next step.
   *
   * @throws NumericError when the entropy is not finite.
   */
  observe(entropyNats: number): EntropyStep;
  /** Returns a copy of the state between two steps. */
  state(): EntropyControllerState;
  /**
   * Goes on from a state that {@link state} returned, with this controller's own options.
   *
   * @throws ConfigError when the state was written by another controller or does not fit the options.
   */
  restore(state: EntropyControllerState): void;
}

/** Throws a NumericError unless the measured entropy is finite. */
export function checkEntropy(who: string, entropyNats: number): void {
  if (!Number.isFinite(entropyNats)) {
    throw new NumericError({
      who,
      argument: "entropyNats",
      expected: "a finite number",
      received: String(entropyNats),
    });
  }
}

/** Throws a ConfigError unless a state was written by the controller that is to read it. */
export function checkStateKind(who: string, expected: string, received: unknown): void {
  if (received !== expected) {
    throw new ConfigError({
      who,
      argument: "state.kind",
      expected: `"${expected}"`,
      received: JSON.stringify(received) ?? "nothing",
      fix: "Resume with the controller that the run was started with",
    });
  }
}
