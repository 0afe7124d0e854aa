import fc from "fast-check";
import { expect, test } from "vitest";
import { planEpochs } from "./plan-epochs.ts";

const options = fc.record({
  lengths: fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 30 }),
  batchSize: fc.integer({ min: 1, max: 9 }),
  seed: fc.nat(1000),
});

test("every example comes once an epoch, in another order each, and again for the same seed", () => {
  fc.assert(
    fc.property(options, fc.integer({ min: 1, max: 3 }), (given, epochs) => {
      const plan = planEpochs({ ...given, until: { epochs } });
      const flat = plan.flat();
      for (let epoch = 0; epoch < epochs; epoch++) {
        const part = flat.slice(epoch * given.lengths.length, (epoch + 1) * given.lengths.length);
        expect(part.toSorted((a, b) => a - b)).toEqual([...given.lengths.keys()]);
      }
      expect(planEpochs({ ...given, until: { epochs } })).toEqual(plan);
    }),
  );
});

test("so many steps; or the first batch that reaches so many tokens is the last", () => {
  fc.assert(
    fc.property(options, fc.integer({ min: 1, max: 400 }), (given, most) => {
      expect(planEpochs({ ...given, until: { steps: most } })).toHaveLength(most);
      const plan = planEpochs({ ...given, until: { tokens: most } });
      const sum = (batches: readonly number[][]) => batches.flat().reduce((total, index) => total + given.lengths[index]!, 0);
      expect(sum(plan)).toBeGreaterThanOrEqual(most);
      expect(sum(plan.slice(0, -1))).toBeLessThan(most);
    }),
  );
});

test("half an epoch is half of its examples", () => {
  const given = { lengths: Array.from({ length: 10 }, () => 1), batchSize: 4, seed: 0 };
  expect(planEpochs({ ...given, until: { epochs: 1.5 } }).map(({ length }) => length)).toEqual([4, 4, 2, 4, 1]);
});

test("an epoch of the length curriculum goes from short to long, the next one does not", () => {
  const lengths = Array.from({ length: 40 }, (_, i) => (i * 17) % 40);
  const flat = planEpochs({ lengths, batchSize: 8, until: { epochs: 2 }, seed: 3, curriculumEpochs: 1 }).flat();
  const ordered = (indices: number[]) => indices.map((index) => lengths[index]!);
  expect(ordered(flat.slice(0, 40))).toEqual(lengths.toSorted((a, b) => a - b));
  expect(ordered(flat.slice(40))).not.toEqual(lengths.toSorted((a, b) => a - b));
});

test("no examples, or no length, is an error", () => {
  const given = { lengths: [1], batchSize: 1, seed: 0 };
  expect(() => planEpochs({ ...given, lengths: [], until: { epochs: 1 } })).toThrow(
    "planEpochs: lengths must be at least one example, got none",
  );
  expect(() => planEpochs({ ...given, until: { tokens: 0 } })).toThrow("planEpochs: tokens must be a number above 0, got 0");
});
