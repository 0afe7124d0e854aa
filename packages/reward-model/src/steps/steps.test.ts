// Steps by hand: cut, labelled, aggregated, measured.
import { expectClose } from "@longcot/vitest-config/close-to";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stepMeasures } from "../measures/step-measures.ts";
import { aggregateSteps } from "./aggregate-steps.ts";
import { monteCarloLabels } from "./monte-carlo-labels.ts";
import { splitSteps } from "./split-steps.ts";

describe("splitSteps", () => {
  test("cuts at separators and keeps what is left", () => {
    expect(splitSteps("<think>7+5+0=12;4+8+1=13;</think>\\boxed{132}", ";")).toEqual([
      "<think>7+5+0=12",
      "4+8+1=13",
      "</think>\\boxed{132}",
    ]);
    expect(splitSteps("one step", "\n\n")).toEqual(["one step"]);
    expect(splitSteps("", "\n")).toEqual([""]);
  });

  test("a blank piece is no step", () => {
    expect(splitSteps("\n\na\n\n\n\nb\n\n \n\n", "\n\n")).toEqual(["\n\na\n\n", "b\n\n \n\n"]);
  });

  test("joined they are the text again; only a blank text has a blank step", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("a", "b ", " ", ";", ";;")), (parts) => {
        const text = parts.join("");
        const steps = splitSteps(text, ";");
        expect(steps.join(";")).toBe(text);
        expect(!/[ab]/.test(text) || steps.every((step) => /[ab]/.test(step))).toBe(true);
      }),
    );
  });

  test("an empty separator is refused", () => {
    expect(() => splitSteps("a", "")).toThrow("splitSteps: separator must be at least one character");
  });
});

describe("monteCarloLabels", () => {
  test("soft labels are shares, hard ones whether any continuation was right; the last step has the answer's verdict", () => {
    expect(monteCarloLabels([4, 1, 0], { continuations: 4, isRight: false })).toEqual({
      values: [1, 0.25, 0, 0],
      labels: [true, true, false, false],
    });
    expect(monteCarloLabels([], { continuations: 4, isRight: true })).toEqual({ values: [1], labels: [true] });
  });

  test("counts that cannot be are refused", () => {
    expect(() => monteCarloLabels([5], { continuations: 4, isRight: true })).toThrow("right[0] must be a count of 0 to 4, got 5");
    expect(() => monteCarloLabels([], { continuations: 0, isRight: true })).toThrow("continuations must be a positive integer, got 0");
  });
});

describe("aggregateSteps", () => {
  test("by hand", () => {
    const steps = [0.9, 0.5, 0.8];
    expect(aggregateSteps(steps, "min")).toBe(0.5);
    expect(aggregateSteps(steps, "prod")).toBeCloseTo(0.36, 12);
    expect(aggregateSteps(steps, "last")).toBe(0.8);
    expect(aggregateSteps(steps, "mean")).toBeCloseTo(2.2 / 3, 12);
  });

  test("no step, and no probability, is an error", () => {
    expect(() => aggregateSteps([], "min")).toThrow("probabilities must be at least one, got none");
    expect(() => aggregateSteps([0.5, Number.NaN], "prod")).toThrow("probabilities[1] must be a number from 0 to 1, got NaN");
  });
});

describe("stepMeasures", () => {
  const answers = [
    // First false label at step 1: found.
    { probabilities: [0.9, 0.2, 0.6], values: [1, 0, 0], labels: [true, false, false] },
    // First false label at step 1: doubted one too early.
    { probabilities: [0.4, 0.1], values: [0.5, 0], labels: [true, false] },
    // No false label, none doubted; and one doubted.
    { probabilities: [0.8, 0.7], values: [1, 1], labels: [true, true] },
    { probabilities: [0.3], values: [1], labels: [true] },
  ];

  test("by hand", () => {
    const measures = stepMeasures(answers, { bins: 2 });
    // Right side of 1/2: 0.9, 0.2, (0.6 not), (0.4 not), 0.1, 0.8, 0.7, (0.3 not).
    expect(measures).toMatchObject({ answers: 4, steps: 8, accuracy: 5 / 8 });
    expect(measures.erroneous).toEqual({ answers: 2, found: 0.5 });
    expect(measures.faultless).toEqual({ answers: 2, passed: 0.5 });
    expect(measures.f1).toBe(0.5);
    const { log } = Math;
    const loss = -(log(0.9) + log(0.8) + log(0.4) + 0.5 * (log(0.4) + log(0.6)) + log(0.9) + log(0.8) + log(0.7) + log(0.3)) / 8;
    expectClose([measures.logLoss], [loss], { atol: 1e-12 });
    // Below 1/2: 0.2, 0.4, 0.1, 0.3 (mean 1/4) with values 0, 1/2, 0, 1 (mean 3/8); above: 0.9, 0.6, 0.8, 0.7 (mean 3/4) with 1, 0, 1, 1 (mean 3/4).
    expectClose(
      measures.bins.map(({ probability }) => probability!),
      [0.25, 0.75],
      { atol: 1e-12 },
    );
    expectClose(
      measures.bins.map(({ value }) => value!),
      [0.375, 0.75],
      { atol: 1e-12 },
    );
    expectClose([measures.ece], [0.5 * 0.125], { atol: 1e-12 });
  });

  test("of one kind of answer there is no F1", () => {
    const { f1, erroneous } = stepMeasures(answers.slice(2));
    expect(f1).toBeUndefined();
    expect(erroneous).toEqual({ answers: 0 });
  });

  test("numbers that are none are refused", () => {
    expect(() => stepMeasures([])).toThrow("answers must be at least one step, got none");
    expect(() => stepMeasures([{ probabilities: [0.5], values: [], labels: [true] }])).toThrow(
      "answers[0].values must be one per label (1), got 0",
    );
    expect(() => stepMeasures([{ probabilities: [1.5], values: [1], labels: [true] }])).toThrow("must be numbers from 0 to 1, got 1.5");
  });
});
