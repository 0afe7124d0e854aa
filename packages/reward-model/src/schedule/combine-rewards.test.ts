import { expectClose } from "@longcot/vitest-config/close-to";
import fc from "fast-check";
import { expect, test } from "vitest";
import { combineRewards } from "./combine-rewards.ts";

const exact = { atol: 1e-12 };

test("a weighted sum, each component clipped and measured alone", () => {
  const { rewards, components } = combineRewards(
    [
      { name: "verifier", values: [1, 0, 1, 0], weight: 1 },
      { name: "length", values: [0.5, -0.5, 0, 0], weight: 0.2, clip: [-0.25, 0.25] },
    ],
    { groupSize: 2 },
  );
  expectClose(rewards, [1.05, -0.05, 1, 0], exact);
  expect(components["verifier"]).toEqual({ mean: 0.5, std: 0.5, max: 1, min: 0, contribution: 0.5 });
  expect(components["length"]).toMatchObject({ mean: 0, max: 0.5, min: -0.5, contribution: 0, clipRatio: 0.5 });
  expectClose([components["length"]!.std], [Math.sqrt(0.125)], exact);
});

test("one component of weight 1 is that component, bit for bit", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1, maxLength: 20 }), (values) => {
      expect([...combineRewards([{ name: "verifier", values, weight: 1 }], { groupSize: 1 }).rewards]).toEqual(
        values.map((value) => value + 0),
      );
    }),
  );
});

test("scales: sigmoid, by group, by batch; values that are alike become 0", () => {
  const of = (normalize: "sigmoid" | "group" | "batch", values: number[]) =>
    combineRewards([{ name: "x", values, weight: 1, normalize }], { groupSize: 2 }).rewards;
  expectClose(of("sigmoid", [0, Math.log(3)]), [0.5, 0.75], exact);
  // Groups [1, 3] and [5, 5]: mean 2, sample std √2; then all alike.
  expectClose(of("group", [1, 3, 5, 5]), [-1 / (Math.SQRT2 + 1e-6), 1 / (Math.SQRT2 + 1e-6), 0, 0], exact);
  const scale = Math.sqrt(11 / 3) + 1e-6;
  expectClose(of("batch", [1, 3, 5, 5]), [-2.5 / scale, -0.5 / scale, 1.5 / scale, 1.5 / scale], exact);
  expectClose(of("batch", [0.1, 0.1, 0.1, 0.1]), [0, 0, 0, 0], exact);
});

test("what cannot be summed is an error", () => {
  const of = (...components: Parameters<typeof combineRewards>[0]) => combineRewards(components, { groupSize: 2 });
  expect(() => of()).toThrow("combineRewards: components must be at least one, got none");
  expect(() => of({ name: "a", values: [1, 2, 3], weight: 1 })).toThrow("values must be a multiple of 2, at least one group, got 3");
  expect(() => of({ name: "a", values: [1, 2], weight: 1 }, { name: "b", values: [1], weight: 1 })).toThrow(
    "combineRewards: b: values must be 2 rows, got 1",
  );
  expect(() => of({ name: "a", values: [1, NaN], weight: 1 })).toThrow("combineRewards: a: values[1] must be a finite number, got NaN");
  expect(() => of({ name: "a", values: [1, 2], weight: 1 }, { name: "a", values: [1, 2], weight: 1 })).toThrow(
    "names that differ, got two of a",
  );
  expect(() => of({ name: "a", values: [1, 2], weight: 1, clip: [1, 0] })).toThrow("clip must be least below most, got [1, 0]");
});
