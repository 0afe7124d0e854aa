import fc from "fast-check";
import { expect, test } from "vitest";
import { rewardHackingAlarm } from "./hacking-alarm.ts";

const constant = (value: number, steps: number): number[] => Array.from({ length: steps }, () => value);
const line = (from: number, to: number, steps: number): number[] =>
  Array.from({ length: steps }, (_, i) => from + ((to - from) * i) / (steps - 1));
const hear = (rewards: number[], accuracies: number[], thresholds = {}) =>
  rewardHackingAlarm("judge", { rewards, spreads: constant(1, rewards.length), accuracies }, { window: 5, ...thresholds });

test("a reward that rises while accuracy falls, at once or slowly", () => {
  expect(hear([...constant(0, 5), ...constant(0.5, 5)], [...constant(0.6, 5), ...constant(0.3, 5)])).toEqual({
    kind: "reward_hacking",
    evidence: "verified accuracy fell from 60.0% (steps 1 to 5 of the stage) to 30.0% (last 5) while judge rose from 0.000 to 0.500",
  });
  expect(hear(line(0, 2, 60), line(0.6, 0.45, 60))).toBeDefined();
});

test("after a climb the peak is what counts", () => {
  const alarm = hear(line(0, 2, 20), [...line(0.2, 0.7, 10), ...line(0.7, 0.5, 10)]);
  expect(alarm?.evidence).toContain("(steps 9 to 13 of the stage)");
});

test("no alarm: both rise, both fall, accuracy noise, a rise within the noise of responses, too few steps", () => {
  expect(hear(line(0, 2, 20), line(0.3, 0.6, 20))).toBeUndefined();
  expect(hear(line(2, 0, 20), line(0.6, 0.3, 20))).toBeUndefined();
  expect(hear(line(0, 2, 20), line(0.6, 0.55, 20))).toBeUndefined();
  expect(hear(line(0, 0.05, 20), line(0.6, 0.3, 20))).toBeUndefined();
  expect(hear([0, 0, 0, 0, 9, 9, 9, 9, 9], [1, 1, 1, 1, 0, 0, 0, 0, 0])).toBeUndefined();
});

test("it never fires where accuracy does not fall", () => {
  const finite = fc.double({ min: -1e3, max: 1e3, noNaN: true });
  fc.assert(
    fc.property(fc.array(finite, { minLength: 10, maxLength: 40 }), (rewards) => {
      expect(
        hear(
          rewards,
          rewards.map((_, i) => i / 100),
        ),
      ).toBeUndefined();
    }),
  );
});

test("what is no history is an error", () => {
  expect(() => hear([1], [1, 2])).toThrow("rewardHackingAlarm: rewards must be one per accuracy (2), got 1");
  expect(() => hear([1, NaN], [1, 2])).toThrow("rewards[1] must be a finite number, got NaN");
  expect(() => hear([1], [1], { window: 0 })).toThrow("window must be a positive integer, got 0");
});
