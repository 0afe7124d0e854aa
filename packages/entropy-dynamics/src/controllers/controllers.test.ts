// Both rules against fixtures/controller-traces.json (independent Python implementation of eq. 3.2 and of EntController).
import { readFileSync } from "node:fs";

import { expectClose } from "@longcot/vitest-config/close-to";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { adaptiveController, adaptivePresets } from "./adaptive.ts";
import type { AdaptiveControllerOptions, AdaptiveRule } from "./adaptive.ts";
import { createEntropyController, entropyControllers } from "./registry.ts";
import type { EntropyControllerOptions } from "./registry.ts";

interface Trace {
  rule: AdaptiveRule;
  entropies: number[];
  target: number;
  delta: number;
  init: number;
  min: number;
  max: number | null;
  coefficient: number[];
  alpha: number[];
  final_coefficient: number;
}

const { controller: traces } = JSON.parse(readFileSync(new URL("../../fixtures/controller-traces.json", import.meta.url), "utf8")) as {
  controller: Trace[];
};

const exact = { atol: 1e-12 };

function run(options: EntropyControllerOptions, entropies: readonly number[]) {
  const controller = createEntropyController(options);
  const steps = entropies.map((entropy) => controller.observe(entropy));
  return {
    coefficients: steps.map((step) => step.coefficient),
    alphas: steps.map((step) => step.alpha),
    controller,
  };
}

test.each(traces)("the trace of the rule $rule", ({ rule, entropies, target, delta, init, min, coefficient, alpha, final_coefficient }) => {
  const { coefficients, alphas, controller } = run({ kind: "adaptive", rule, target, delta, initial: init, min }, entropies);
  expectClose(coefficients, coefficient, exact, "coefficient");
  expectClose(alphas, alpha, exact, "alpha");
  expectClose([controller.state()["coefficient"] as number], [final_coefficient], exact, "final coefficient");
});

describe("equality, gate and clamps, by hand", () => {
  const base = { kind: "adaptive", target: 0.5, delta: 0.25, initial: 0.5 } as const;

  test("at the target: the paper acts and holds, the code steps down", () => {
    const at = [0.5, 0.5, 0.5];
    expect(run({ ...base, rule: "paper" }, at)).toMatchObject({
      coefficients: [0.5, 0.5, 0.5],
      alphas: [0.5, 0.5, 0.5],
    });
    expect(run({ ...base, rule: "code" }, at)).toMatchObject({
      coefficients: [0.5, 0.25, 0],
      alphas: [0.5, 0, 0],
    });
  });

  test("the code's gate lags one step and starts open", () => {
    const entropies = [0.9, 0.1, 0.9, 0.1];
    expect(run({ ...base, rule: "paper" }, entropies).alphas).toEqual([0, 0.25, 0, 0.25]);
    expect(run({ ...base, rule: "code" }, entropies).alphas).toEqual([0.5, 0, 0.5, 0]);
  });

  test("the coefficient stays inside its bounds", () => {
    expect(run({ ...base, max: 0.75 }, [0, 0, 0, 0]).coefficients).toEqual([0.5, 0.75, 0.75, 0.75]);
    expect(run({ ...base, min: 0.25 }, [1, 1, 1, 1]).coefficients).toEqual([0.5, 0.25, 0.25, 0.25]);
    expect(run(base, Array(40).fill(0)).controller.state()["coefficient"]).toBe(10.5);
  });

  test("presets", () => {
    expect(run(adaptivePresets.paper, [0.1, 0.1, 0.1]).alphas).toEqual([0, 0.005, 0.01]);
    const released = run(adaptivePresets.releasedScripts, Array(100).fill(0.1)).alphas;
    expectClose([released[1]!, released[2]!, released[99]!], [0.0001, 0.0002, 0.005], exact);
    expect(run({ kind: "adaptive" }, [0.1, 0.21, 0.2, 0.1])).toMatchObject(pick(run(adaptivePresets.paper, [0.1, 0.21, 0.2, 0.1])));
  });
});

const pick = ({ coefficients, alphas }: ReturnType<typeof run>) => ({ coefficients, alphas });

test("a run resumed from its state, through JSON and at any step, goes on as if uninterrupted", () => {
  const entropies = fc.array(fc.constantFrom(0.1, 0.19, 0.2, 0.21, 0.4), {
    minLength: 1,
    maxLength: 30,
  });
  const options = fc.constantFrom<EntropyControllerOptions>(
    adaptivePresets.paper,
    adaptivePresets.releasedScripts,
    { kind: "adaptive", rule: "code", delta: 0.01, max: 0.03 },
    { kind: "constant", coefficient: 0.003 },
    { kind: "none" },
  );
  fc.assert(
    fc.property(entropies, options, fc.nat(30), (list, option, cut) => {
      const whole = run(option, list);
      const head = run(option, list.slice(0, cut));
      const resumed = createEntropyController(option);
      resumed.restore(JSON.parse(JSON.stringify(head.controller.state())));
      const tail = list.slice(cut).map((entropy) => resumed.observe(entropy).alpha);
      expect([...head.alphas, ...tail]).toEqual(whole.alphas);
      expect(resumed.state()).toEqual(whole.controller.state());
    }),
    { seed: 5, numRuns: 200 },
  );
});

test("constant and none ignore the entropy", () => {
  expect(run({ kind: "constant", coefficient: 0.005 }, [0.01, 3])).toMatchObject({
    coefficients: [0.005, 0.005],
    alphas: [0.005, 0.005],
  });
  expect(run({ kind: "none" }, [0.01, 3]).alphas).toEqual([0, 0]);
  expect(Object.keys(entropyControllers)).toEqual(["none", "constant", "adaptive"]);
});

test("wrong options, entropies and states are refused", () => {
  const create = (options: Partial<AdaptiveControllerOptions>) => () => adaptiveController({ kind: "adaptive", ...options });
  expect(create({ rule: "both" as "code" })).toThrow("adaptiveController: rule must be paper or code, got both");
  expect(create({ delta: Number.NaN })).toThrow("delta must be a finite number of zero or more, got NaN");
  expect(create({ initial: 0.1, max: 0.05 })).toThrow("initial must be between min 0 and max 0.05, got 0.1");
  expect(() => createEntropyController({ kind: "toString" } as never)).toThrow(
    "kind must be one of none, constant, adaptive, got toString",
  );
  expect(() => createEntropyController({ kind: "constant", coefficient: -1 })).toThrow(
    "coefficient must be a finite number of zero or more, got -1",
  );
  for (const kind of ["none", "adaptive"] as const) {
    expect(() => createEntropyController({ kind }).observe(Number.NaN)).toThrow("entropyNats must be a finite number, got NaN");
    expect(() => createEntropyController({ kind }).restore({ kind: "constant" })).toThrow(
      `state.kind must be "${kind}", got "constant". Resume with the controller`,
    );
  }
  const code = adaptiveController({ ...adaptivePresets.releasedScripts });
  expect(() => code.restore({ kind: "adaptive", rule: "paper", coefficient: 0 })).toThrow('state.rule must be "code", got "paper"');
  expect(() => code.restore({ kind: "adaptive", rule: "code", coefficient: 1, gateOpen: true })).toThrow(
    "state.coefficient must be a number between 0 and 0.005, got 1",
  );
  expect(() => code.restore({ kind: "adaptive", rule: "code", coefficient: 0 })).toThrow(
    "state.gateOpen must be true or false, got nothing",
  );
});
