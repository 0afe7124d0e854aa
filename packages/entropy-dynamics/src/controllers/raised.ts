// A controller with a floor that can be raised: what an alarm does to a run that it rolls back.
import { ConfigError } from "@longcot/errors";

import type { EntropyController } from "./entropy-controller.ts";

/** An {@link EntropyController} whose α and coefficient are shifted by what {@link raise} added up. */
export interface RaisedController extends EntropyController {
  /** Adds `amount` (which may be negative) to every later α; no α goes below 0. @throws ConfigError unless it is finite. */
  raise(amount: number): void;
  /** Sum of all raises so far. */
  readonly raised: number;
}

/** Returns `controller` with a raise of 0. Its state is the controller's own, and `raised` beside it once there is one. */
export function raisedController(controller: EntropyController): RaisedController {
  let raised = 0;
  return {
    kind: controller.kind,
    get raised() {
      return raised;
    },
    raise(amount) {
      if (!Number.isFinite(amount))
        throw new ConfigError({ who: "raisedController", argument: "amount", expected: "a finite number", received: String(amount) });
      raised += amount;
    },
    observe(entropyNats) {
      const { coefficient, alpha } = controller.observe(entropyNats);
      return { coefficient: coefficient + raised, alpha: raised === 0 ? alpha : Math.max(0, alpha + raised) };
    },
    state: () => (raised === 0 ? controller.state() : { ...controller.state(), raised }),
    restore(state) {
      const { raised: saved = 0, ...own } = state;
      if (typeof saved !== "number" || !Number.isFinite(saved))
        throw new ConfigError({
          who: "raisedController",
          argument: "state.raised",
          expected: "a finite number",
          received: JSON.stringify(saved),
        });
      controller.restore(own as typeof state);
      raised = saved;
    },
  };
}
