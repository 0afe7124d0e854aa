import { describe, expect, test } from "vitest";

import type { LevelResult } from "../events.ts";
import { loadRecipe, totalSteps } from "../recipe/load-recipe.ts";
import type { EvaluationRecord } from "../run/records.ts";
import { placeOf } from "./place-of.ts";
import { settleStages } from "./plateau.ts";

/** The quickstart with two stages of 40 and 60 steps, evaluated every 10 steps. */
const recipe = (plateau: string, ...more: string[]) =>
  loadRecipe({
    source: "quickstart",
    sets: ["stages.0.steps=40", "stages.1.steps=60", "evaluation.every=10", `stages.0.plateau=${plateau}`, ...more],
  }).recipe;

const level = (name: string, share: number): LevelResult => ({
  level: name,
  prompts: 8,
  avg_at_k: share,
  avg_at_k_low: 0,
  avg_at_k_high: 1,
  pass_at_k: 1,
  pass_at_k_low: 0,
  pass_at_k_high: 1,
});

/** Evaluations at steps 0, 10, 20 … with these avg@k over all levels; that of level 1 rises always, and decides nothing. */
const evaluations = (...accuracies: number[]): EvaluationRecord[] =>
  accuracies.map((accuracy, i) => ({
    label: `step ${10 * i}`,
    step: 10 * i,
    samples_per_prompt: 8,
    temperature: 1,
    results: [level("1", 0.1 * i), level("all", accuracy)],
  }));

const stepsOf = (plateau: string, ...accuracies: number[]) =>
  settleStages(recipe(plateau), evaluations(...accuracies)).stages.map(({ steps }) => steps);

describe("settleStages", () => {
  test("a stage ends at the last of so many evaluations without a new best", () => {
    expect(stepsOf("{evaluations: 2}", 0.3, 0.5)).toEqual([40, 60]);
    expect(stepsOf("{evaluations: 2}", 0.3, 0.5, 0.4)).toEqual([40, 60]);
    expect(stepsOf("{evaluations: 2}", 0.3, 0.5, 0.4, 0.5)).toEqual([30, 60]);
    expect(stepsOf("{evaluations: 2}", 0.3, 0.5, 0.4, 0.6)).toEqual([40, 60]);
    expect(stepsOf("{evaluations: 1}", 0.3, 0.3, 0.9)).toEqual([10, 60]);
  });

  test("a gain of no more than min_gain is none", () => {
    expect(stepsOf("{evaluations: 2, min_gain: 0.05}", 0.3, 0.32, 0.34)).toEqual([20, 60]);
    expect(stepsOf("{evaluations: 2, min_gain: 0.03}", 0.3, 0.32, 0.34)).toEqual([40, 60]);
  });

  test("later stages begin where the one before has ended, and what comes later moves nothing", () => {
    const history = [0.3, 0.5, 0.4, 0.4, 0.2, 0.1, 0.1, 0.1];
    const settled = settleStages(recipe("{evaluations: 2}"), evaluations(...history));
    expect(totalSteps(settled)).toBe(90);
    expect(placeOf(settled, 29)).toMatchObject({ index: 0, draw: 29 });
    expect(placeOf(settled, 30)).toMatchObject({ index: 1, draw: 0 });
  });

  test("a later stage has a plateau of its own, its first evaluation the one that ended the stage before", () => {
    const both = recipe("{evaluations: 1}", "stages.1.plateau={evaluations: 2}");
    expect(settleStages(both, evaluations(0.3, 0.3, 0.3, 0.2)).stages.map(({ steps }) => steps)).toEqual([10, 20]);
    expect(settleStages(both, evaluations(0.3, 0.3, 0.4, 0.4, 0.4)).stages.map(({ steps }) => steps)).toEqual([10, 30]);
  });
});

test("a plateau that nothing can decide is refused", () => {
  expect(() => recipe("{evaluations: 2}", "evaluation.every=null")).toThrow("stages.0.plateau must be absent without evaluation.every");
  expect(() => recipe("{evaluations: 4}")).toThrow("stages.0.plateau.evaluations must be less than 4");
});
