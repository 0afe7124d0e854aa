import { readFileSync } from "node:fs";

import { describe, expect, test } from "vitest";

import { entropyAlarm } from "./entropy-alarm.ts";

/** `steps` values of `value(i)`. */
const series = (steps: number, value: (step: number) => number) => Float64Array.from({ length: steps }, (_, step) => value(step));

const falling = series(40, (step) => 1.2 * Math.exp(-step / 8));
const rising = series(40, (step) => 0.5 + 0.05 * step);
const flatReward = series(40, () => 0.4);

describe("collapse", () => {
  test("entropy falling to nothing with a flat reward, with its evidence", () => {
    expect(entropyAlarm({ entropies: falling, rewards: flatReward })).toEqual({
      kind: "collapse",
      evidence:
        "entropy fell from 0.729 nats (first 10 steps) to 0.0171 nats (last 10), at most 0.2 of it, while the reward changed by +0.000 to 0.400 over the last 10 steps",
    });
  });

  test("a falling reward counts as flat", () => {
    expect(entropyAlarm({ entropies: falling, rewards: series(40, (step) => 0.8 - 0.01 * step) })?.kind).toBe("collapse");
  });

  test("not while the reward still climbs, nor on a solved task, nor once entropy recovers", () => {
    expect(entropyAlarm({ entropies: falling, rewards: series(40, (step) => 0.02 * step) })).toBeUndefined();
    expect(entropyAlarm({ entropies: falling, rewards: series(40, () => 0.97) })).toBeUndefined();
    const recovering = series(40, (step) => (step < 10 ? 1 : step < 30 ? 0.01 : 0.15));
    expect(entropyAlarm({ entropies: recovering, rewards: flatReward })).toBeUndefined();
  });

  test("not for entropy that is low but steady from the start", () => {
    expect(entropyAlarm({ entropies: series(40, () => 0.05), rewards: flatReward })).toBeUndefined();
  });
});

describe("explosion", () => {
  test("entropy doubling and rising, with its evidence", () => {
    expect(entropyAlarm({ entropies: rising, rewards: flatReward })).toEqual({
      kind: "explosion",
      evidence:
        "entropy rose from 0.725 nats (first 10 steps) to 2.23 nats (last 10), at least 2 times it, and is rising; the reward changed by +0.000 to 0.400 over the last 10 steps",
    });
  });

  test("not for noise around zero, nor when it comes down again", () => {
    expect(
      entropyAlarm({
        entropies: series(40, (step) => (step < 20 ? 0.01 : 0.05)),
        rewards: flatReward,
      }),
    ).toBeUndefined();
    const returning = series(40, (step) => (step < 10 ? 0.5 : step < 30 ? 3 : 2));
    expect(entropyAlarm({ entropies: returning, rewards: flatReward })).toBeUndefined();
  });
});

describe("recorded traces of real runs, three seeds each", () => {
  const { traces } = JSON.parse(readFileSync(new URL("../../fixtures/recorded-traces.json", import.meta.url), "utf8")) as {
    traces: { cell: string; seed: number; entropies: number[]; rewards: number[] }[];
  };
  const runs = (cell: string) => traces.filter((trace) => trace.cell === cell);
  /** First step at which a run that looks after every step hears an alarm. */
  const heard = ({ entropies, rewards }: { entropies: number[]; rewards: number[] }, thresholds = {}) => {
    for (let steps = 1; steps <= entropies.length; steps++) {
      const alarm = entropyAlarm({ entropies: entropies.slice(0, steps), rewards: rewards.slice(0, steps) }, thresholds);
      if (alarm !== undefined) return { kind: alarm.kind, steps };
    }
    return undefined;
  };

  test("a constant α of 0.5 explodes, and is heard within ten steps of the first possible one", () => {
    expect(runs("alpha-0.5").map((run) => heard(run))).toEqual([
      { kind: "explosion", steps: 22 },
      { kind: "explosion", steps: 29 },
      { kind: "explosion", steps: 23 },
    ]);
  });

  test("four passes over each rollout spend entropy for no more reward; on-policy and controlled runs do not", () => {
    const wary = { collapseFraction: 0.6 };
    expect(runs("reuse-4").map((run) => heard(run, wary)?.kind)).toEqual(["collapse", "collapse", "collapse"]);
    for (const cell of ["on-policy", "adaptive"])
      expect(
        runs(cell).map((run) => heard(run, wary)),
        cell,
      ).toEqual([undefined, undefined, undefined]);
  });

  test("healthy runs raise nothing at the default thresholds", () => {
    for (const cell of ["on-policy", "adaptive", "reuse-4"])
      expect(
        runs(cell).map((run) => heard(run)),
        cell,
      ).toEqual([undefined, undefined, undefined]);
  });
});

test("thresholds are explicit, and fewer steps than two windows say nothing", () => {
  expect(entropyAlarm({ entropies: falling.subarray(0, 19), rewards: flatReward.subarray(0, 19) })).toBeUndefined();
  expect(entropyAlarm({ entropies: falling, rewards: flatReward }, { collapseFraction: 0.01 })).toBeUndefined();
  expect(entropyAlarm({ entropies: rising, rewards: flatReward }, { explosionFactor: 4 })).toBeUndefined();
  const short = { entropies: [1, 1, 0.1, 0.05], rewards: [0.3, 0.3, 0.3, 0.3] };
  expect(entropyAlarm(short, { window: 2 })?.kind).toBe("collapse");
  expect(entropyAlarm(short)).toBeUndefined();
});

test("wrong input is refused", () => {
  expect(() => entropyAlarm({ entropies: [1], rewards: [] })).toThrow("rewards must be one per entropy (1), got 0");
  expect(() => entropyAlarm({ entropies: [NaN], rewards: [0] })).toThrow("entropies[0] must be a finite number, got NaN");
  expect(() => entropyAlarm({ entropies: [], rewards: [] }, { window: 0 })).toThrow("window must be a positive integer, got 0");
  expect(() => entropyAlarm({ entropies: [], rewards: [] }, { flatRewardGain: -1 })).toThrow(
    "flatRewardGain must be a number of zero or more, got -1",
  );
});
