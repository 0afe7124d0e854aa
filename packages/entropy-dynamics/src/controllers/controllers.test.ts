// Both rules against fixtures/controller-traces.json (independent Python implementation of eq. 3.2 and of EntController).
import { readFileSync } from "node:fs";

import { expectClose } from "@longcot/vitest-config/close-to";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { adaptiveController, adaptivePresets } from "./adaptive.ts";
import type { AdaptiveControllerOptions, AdaptiveRule } from "./adaptive.ts";
import { raisedController } from "./raised.ts";
import { createEntropyController, entropyControllers } from "./registry.ts";
import type { EntropyControllerOptions } from "./registry.ts";
import { targetAt } from "./target-schedule.ts";
import type { TargetSchedule } from "./target-schedule.ts";

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

describe("TRL's rule", () => {
  test("the trace of the other rules under it, by hand from trl 1.16.0: gate of the step before, ≤, both ways", () => {
    const { alphas, coefficients, controller } = run(adaptivePresets.trl, [0.3, 0.25, 0.19, 0.18, 0.21, 0.2, 0.17]);
    expectClose(coefficients, [0, 0, 0, 0.005, 0.01, 0.005, 0.01], exact);
    expectClose(alphas, [0, 0, 0, 0.005, 0.01, 0, 0.01], exact);
    expectClose([controller.state()["coefficient"] as number], [0.015], exact);
  });

  test("the first step has no bonus, whatever the coefficient; at the target the coefficient rises", () => {
    const { alphas, coefficients } = run({ kind: "adaptive", rule: "trl", target: 0.5, delta: 0.25, initial: 0.5 }, [0.5, 0.5, 0.6, 0.4]);
    expect(coefficients).toEqual([0.5, 0.75, 1, 0.75]);
    expect(alphas).toEqual([0, 0.75, 1, 0]);
  });
});

describe("moving targets", () => {
  test("levels at the ends and half way", () => {
    const at = (shape: TargetSchedule["shape"]) => [0, 5, 10, 20].map((k) => targetAt({ shape, from: 0.4, to: 0.1, steps: 10 }, k));
    expectClose(at("linear"), [0.4, 0.25, 0.1, 0.1], exact);
    expectClose(at("cosine"), [0.4, 0.25, 0.1, 0.1], exact);
    expectClose(at("exponential"), [0.4, 0.2, 0.1, 0.1], exact);
    expect(targetAt(0.3, 7)).toBe(0.3);
  });

  test("the adaptive rule follows it", () => {
    const target = { shape: "linear", from: 0.4, to: 0.1, steps: 3 } as const;
    expectClose(run({ kind: "adaptive", delta: 0.1, target }, [0.25, 0.25, 0.25, 0.25]).alphas, [0, 0.1, 0, 0], exact);
  });

  test("wrong schedules are refused", () => {
    const create = (target: TargetSchedule) => () => createEntropyController({ kind: "adaptive", target });
    expect(create({ shape: "step" as "linear", from: 1, to: 1, steps: 1 })).toThrow(
      "target.shape must be linear, cosine or exponential, got step",
    );
    expect(create({ shape: "linear", from: 0, to: 1, steps: 1 })).toThrow("target.from must be a finite number above 0, got 0");
    expect(create({ shape: "linear", from: 1, to: 1, steps: 0 })).toThrow("target.steps must be a positive integer, got 0");
  });
});

describe("PI control", () => {
  const gains = { kind: "pi", target: 0.5, proportional: 1, integral: 0.5, max: 10 } as const;

  test("proportional and integral parts, by hand", () => {
    // Shortfalls 0.25, 0.25, −0.5: I = 0.125, 0.25, 0.
    expectClose(run({ ...gains, min: -10 }, [0.25, 0.25, 1]).alphas, [0.375, 0.5, -0.5], exact);
    expectClose(run(gains, [0.25, 0.25, 1]).alphas, [0.375, 0.5, 0], exact);
  });

  test("at a bound the integral does not wind up: the first step above the target takes α off the bound", () => {
    const bounded = run({ ...gains, max: 0.2 }, [...Array<number>(50).fill(0.1), 0.9]);
    expect(bounded.alphas.slice(0, 50).every((alpha) => alpha === 0.2)).toBe(true);
    expect(bounded.alphas[50]).toBe(0);
  });

  test("holds a plant that loses entropy each step at its target, where the proportional part alone would not", () => {
    const settle = (integral: number) => {
      const controller = createEntropyController({ kind: "pi", target: 0.2, proportional: 0.1, integral, max: 1 });
      let entropy = 0.5;
      for (let step = 0; step < 400; step++) entropy += -0.02 * entropy + 0.4 * controller.observe(entropy).alpha;
      return entropy;
    };
    expectClose([settle(0.01)], [0.2], { atol: 1e-3 });
    expect(settle(0)).toBeLessThan(0.15);
  });

  test("wrong gains and bounds are refused", () => {
    expect(() => createEntropyController({ kind: "pi", proportional: 0, integral: 0 })).toThrow(
      "proportional must be above 0 where integral is 0, got 0",
    );
    expect(() => createEntropyController({ kind: "pi", integral: -1 })).toThrow("integral must be a finite number of zero or more, got -1");
    expect(() => createEntropyController({ kind: "pi", min: 1, max: 1 })).toThrow("min must be finite and below max 1, got 1");
    expect(() => createEntropyController({ kind: "pi" }).restore({ kind: "pi", step: 1 })).toThrow(
      "state.sum must be a finite number, got nothing",
    );
  });
});

test("a raised controller adds to α from then on, keeps it in its state, and never goes below 0", () => {
  const controller = raisedController(createEntropyController({ kind: "none" }));
  expect(controller.state()).toEqual({ kind: "none" });
  controller.raise(0.01);
  expect(controller.observe(1)).toEqual({ coefficient: 0.01, alpha: 0.01 });
  const resumed = raisedController(createEntropyController({ kind: "none" }));
  resumed.restore(controller.state());
  expect(resumed.observe(1).alpha).toBe(0.01);
  resumed.raise(-1);
  expect(resumed.observe(1).alpha).toBe(0);
  expect(() => resumed.raise(NaN)).toThrow("amount must be a finite number, got NaN");
});

test("a run resumed from its state, through JSON and at any step, goes on as if uninterrupted", () => {
  const entropies = fc.array(fc.constantFrom(0.1, 0.19, 0.2, 0.21, 0.4), {
    minLength: 1,
    maxLength: 30,
  });
  const options = fc.constantFrom<EntropyControllerOptions>(
    adaptivePresets.paper,
    adaptivePresets.releasedScripts,
    { kind: "adaptive", rule: "code", delta: 0.01, max: 0.03 },
    adaptivePresets.trl,
    { kind: "adaptive", delta: 0.01, target: { shape: "cosine", from: 0.4, to: 0.1, steps: 10 } },
    { kind: "pi" },
    { kind: "pi", target: { shape: "linear", from: 0.1, to: 0.3, steps: 7 }, integral: 0.05, max: 0.01 },
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
  expect(Object.keys(entropyControllers)).toEqual(["none", "constant", "adaptive", "pi"]);
});

test("wrong options, entropies and states are refused", () => {
  const create = (options: Partial<AdaptiveControllerOptions>) => () => adaptiveController({ kind: "adaptive", ...options });
  expect(create({ rule: "both" as "code" })).toThrow("adaptiveController: rule must be paper, code or trl, got both");
  expect(create({ delta: Number.NaN })).toThrow("delta must be a finite number of zero or more, got NaN");
  expect(create({ initial: 0.1, max: 0.05 })).toThrow("initial must be between min 0 and max 0.05, got 0.1");
  expect(() => createEntropyController({ kind: "toString" } as never)).toThrow(
    "kind must be one of none, constant, adaptive, pi, got toString",
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
