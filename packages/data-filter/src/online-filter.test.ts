import { expect, test } from "vitest";
import { dropSolvedPrompts } from "./online-filter.ts";
import type { GroupPassRates } from "./online-filter.ts";

const prompts = [0, 1, 2, 3, 4, 5].map((index) => ({ index }));
const step = (passed: Record<number, number>): GroupPassRates => ({
  promptIds: Object.keys(passed).map(Number),
  passed: Object.values(passed),
  groupSize: 4,
});
const kept = (filtered: { prompts: { index: number }[] }) => filtered.prompts.map(({ index }) => index);

test("solved prompts go; half solved, unsolved and unseen ones stay, in their order", () => {
  const filtered = dropSolvedPrompts(prompts, [step({ 4: 4, 1: 3 }), step({ 0: 0, 2: 4 })], { atLeast: 2 });
  expect(kept(filtered)).toEqual([0, 1, 3, 5]);
  expect(filtered).toMatchObject({ dropped: 2, stayed: 0 });
});

test("the newest visit counts: what was solved and is no longer stays, what is solved now goes", () => {
  const records = [step({ 0: 4, 1: 2 }), step({ 0: 3, 1: 4 })];
  expect(kept(dropSolvedPrompts(prompts, records))).toEqual([0, 2, 3, 4, 5]);
});

test("a lower bar drops more", () => {
  const records = [step({ 0: 4, 1: 3, 2: 2 })];
  expect(kept(dropSolvedPrompts(prompts, records, { solvedAt: 0.75 }))).toEqual([2, 3, 4, 5]);
});

test("a step can always be filled: those solved longest ago stay", () => {
  const records = [step({ 5: 4, 3: 4 }), step({ 0: 4, 1: 4, 2: 4 })];
  const filtered = dropSolvedPrompts(prompts, records, { atLeast: 4 });
  expect(kept(filtered)).toEqual([0, 3, 4, 5]);
  expect(filtered).toMatchObject({ dropped: 2, stayed: 3 });
});

test("prompts of no stage before are none of the filter's business", () => {
  expect(dropSolvedPrompts(prompts, [])).toEqual({ prompts, dropped: 0, stayed: 0 });
  expect(dropSolvedPrompts(prompts, [step({ 99: 4 })]).dropped).toBe(0);
});
