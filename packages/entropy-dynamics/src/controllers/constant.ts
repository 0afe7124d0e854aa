// Constant entropy bonus, and none at all. The paper finds no constant that works on every data set (§4.5).
import { ConfigError } from "@longcot/errors";

import { checkEntropy, checkStateKind } from "./entropy-controller.ts";
import type { EntropyController } from "./entropy-controller.ts";

export interface ConstantControllerOptions {
  readonly kind: "constant";
  /** α of every step. */
  readonly coefficient: number;
}

export interface NoneControllerOptions {
  readonly kind: "none";
}

/** Returns a controller whose α is `options.coefficient` at every step. @throws ConfigError unless it is finite and at least 0. */
export function constantController(options: ConstantControllerOptions): EntropyController {
  const { coefficient } = options;
  if (!(coefficient >= 0 && Number.isFinite(coefficient))) {
    throw new ConfigError({
      who: "constantController",
      argument: "coefficient",
      expected: "a finite number of zero or more",
      received: String(coefficient),
    });
  }
  return fixed("constant", coefficient);
}

/** Returns a controller whose α is 0 at every step: entropy is measured, never rewarded. */
export function noneController(_options: NoneControllerOptions = { kind: "none" }): EntropyController {
  return fixed("none", 0);
}

function fixed(kind: string, coefficient: number): EntropyController {
  return {
    kind,
    observe(entropyNats) {
      checkEntropy(`${kind}Controller`, entropyNats);
      return { coefficient, alpha: coefficient };
    },
    state: () => ({ kind }),
    restore: (state) => checkStateKind(`${kind}Controller`, kind, state.kind),
  };
}
