// Every entropy controller by its `kind`.
//
// To add one: write `controllers/<kind>.ts` with its options (`kind` among them), a function that returns an
// EntropyController and its test, add its options to EntropyControllerOptions and one line to `entropyControllers`.
import { ConfigError } from "@longcot/errors";

import { adaptiveController } from "./adaptive.ts";
import type { AdaptiveControllerOptions } from "./adaptive.ts";
import { constantController, noneController } from "./constant.ts";
import type { ConstantControllerOptions, NoneControllerOptions } from "./constant.ts";
import type { EntropyController } from "./entropy-controller.ts";
import { proportionalIntegralController } from "./proportional-integral.ts";
import type { ProportionalIntegralOptions } from "./proportional-integral.ts";

/** Options of any controller; `kind` chooses it. */
export type EntropyControllerOptions =
  | NoneControllerOptions
  | ConstantControllerOptions
  | AdaptiveControllerOptions
  | ProportionalIntegralOptions;

export type EntropyControllerKind = EntropyControllerOptions["kind"];

export const entropyControllers: {
  readonly [kind in EntropyControllerKind]: (options: Extract<EntropyControllerOptions, { kind: kind }>) => EntropyController;
} = {
  none: noneController,
  constant: constantController,
  adaptive: adaptiveController,
  pi: proportionalIntegralController,
};

/**
 * Returns the controller that `options.kind` names.
 *
 * @throws ConfigError on an unknown kind and as the controller itself.
 * @example createEntropyController({ kind: "adaptive", target: 0.2, delta: 0.005 })
 */
export function createEntropyController(options: EntropyControllerOptions): EntropyController {
  if (!Object.hasOwn(entropyControllers, options.kind)) {
    const kinds = Object.keys(entropyControllers).join(", ");
    throw new ConfigError({
      who: "createEntropyController",
      argument: "kind",
      expected: `one of ${kinds}`,
      received: String(options.kind),
    });
  }
  const create = entropyControllers[options.kind] as (options: EntropyControllerOptions) => EntropyController;
  return create(options);
}
