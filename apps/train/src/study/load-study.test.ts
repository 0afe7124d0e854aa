import { describe, expect, test } from "vitest";
import { sgdSteps } from "@longcot/entropy-dynamics";
import { coldStartKey, startFrom } from "./cold-starts.ts";
import { readStudySource, resolveStudy, studyNames } from "./load-study.ts";
import { settingsOf } from "./study-data.ts";

const BASE = `base:
  name: base
  model: {hidden_size: 128, intermediate_size: 384, layers: 3, attention_heads: 4, key_value_heads: 2, max_position_embeddings: 256}
  data:
    max_prompt_length: 32
    generate: {levels: [1, 2], train_per_level: 100, held_out_per_level: 8, cold_start_per_level: 100}
  cold_start: {steps: 5, batch_size: 4, learning_rate: 0.001, levels: {1: 1, 2: 1}}
  stages:
    - {name: a, steps: 2, context_length: 32, batch_size: 8, mini_batch_size: 8, group_size: 4}
    - {name: b, steps: 2, context_length: 48, batch_size: 8, mini_batch_size: 8, group_size: 4}
`;
const resolve = (text: string, sets: string[] = []) => resolveStudy({ text, label: "s.yaml", sets });
const messageOf = (text: string, sets: string[] = []) => {
  try {
    resolve(text, sets);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("the study was accepted");
};

test.each(studyNames())("%s loads, and its cells hold", (name) => {
  const { recipe, cells } = resolveStudy(readStudySource(name));
  expect(recipe.name).toBe(name);
  expect(cells.length).toBe(new Set(cells.map((cell) => cell.name)).size * recipe.seeds.length);
});

describe("cells and grids", () => {
  test("a cell under every seed, seed by seed; a star reaches every stage", () => {
    const { cells } = resolve(
      `name: s\nseeds: [3, 4]\n${BASE}cells:\n  - name: plain\n  - {name: off, set: {stages.*.mini_batch_size: 4}}\n`,
    );
    expect(cells.map(({ name, seed }) => `${name} ${seed}`)).toEqual(["plain 3", "off 3", "plain 4", "off 4"]);
    expect(cells[1]!.recipe.stages.map((stage) => stage.mini_batch_size)).toEqual([4, 4]);
    expect(cells[1]!.recipe.seed).toBe(3);
  });

  test("a grid is every combination, named by its values, in every cell", () => {
    const { cells } = resolve(`name: s\nseeds: [1]\n${BASE}grid: {stages.*.reuse: [1, 4], loss.clip_high: [0.2, 0.28]}\n`);
    expect(cells.map(({ name }) => name)).toEqual([
      "reuse=1,clip_high=0.2",
      "reuse=1,clip_high=0.28",
      "reuse=4,clip_high=0.2",
      "reuse=4,clip_high=0.28",
    ]);
    expect(sgdSteps(settingsOf(cells[3]!.recipe))).toBe(4);
  });

  test("a cell may begin from a recipe of its own; what the study sets is set in every cell, before the cell's own", () => {
    const { cells } = resolve(
      `name: s\nseeds: [1]\nbase: magic\nset: {stages.*.steps: 3, loss.micro_batch_tokens: 4096}\ncells: [{name: a}, {name: b, recipe: gspo, set: {stages.*.steps: 4}}]\n`,
    );
    expect(cells.map(({ recipe }) => recipe.loss.name)).toEqual(["magic", "gspo"]);
    expect(cells.map(({ recipe }) => recipe.loss.micro_batch_tokens)).toEqual([4096, 4096]);
    expect(cells.map(({ recipe }) => recipe.stages[0]!.steps)).toEqual([3, 4]);
  });

  test("overrides of the study reach the base", () => {
    const { recipe, cells } = resolve(`name: s\nseeds: [1]\n${BASE}cells: [{name: x}]\n`, ["seeds=[7]", "base.stages.0.steps=9"]);
    expect(recipe.seeds).toEqual([7]);
    expect(cells[0]!.recipe.stages[0]!.steps).toBe(9);
  });
});

describe("errors are one line that names the study's key or the cell", () => {
  test.each([
    ["an unknown key", "cell: []\n", [], "s.yaml:13: expected a known key, got cell. Did you mean cells?"],
    ["no cell", "", [], "s.yaml: cells must be at least one cell, or a grid, got neither"],
    ["a name twice", "cells: [{name: x}, {name: x}]\n", [], "s.yaml: cells must be names that differ, got x twice"],
    [
      "a cell whose recipe does not hold",
      "cells: [{name: x, set: {stages.*.mini_batch_size: 3}}]\n",
      [],
      "s.yaml, cell x: stages.0.batch_size must be a multiple of stages.0.mini_batch_size (3), got 8",
    ],
    [
      "a star elsewhere",
      "cells: [{name: x, set: {loss.*: 3}}]\n",
      [],
      "s.yaml, cell x: loss.* must be * for the index of a stage only, as in stages.*.reuse, got loss.*",
    ],
    [
      "a figure of no cell",
      "cells: [{name: x}]\nplots: [{title: t, cells: [y]}]\n",
      [],
      "s.yaml: plots must be cells of the study (x), got y",
    ],
  ])("%s", (_, tail, sets, expected) => {
    expect(messageOf(`name: s\nseeds: [1]\n${BASE}${tail}`, sets)).toBe(expected);
  });
});

describe("shared cold starts", () => {
  const [plain, off, deeper] = resolve(
    `name: s\nseeds: [1]\n${BASE}cells: [{name: a}, {name: b, set: {stages.*.reuse: 4, loss.clip_high: 0.3}}, {name: c, set: {model.layers: 2}}]\n`,
  ).cells.map((cell) => cell.recipe) as [never, never, never];

  test("cells share one unless model, data, cold start or seed differ", () => {
    expect(coldStartKey(off)).toBe(coldStartKey(plain));
    expect(coldStartKey(deeper)).not.toBe(coldStartKey(plain));
    expect(coldStartKey({ ...(plain as object), seed: 2 } as never)).not.toBe(coldStartKey(plain));
  });

  test("a cell that begins from one has its model, the same problems, and no cold start of its own", () => {
    const started = startFrom(plain, "runs/x/model");
    expect(started).toMatchObject({ model: "runs/x/model", data: { generate: { train_per_level: 100, held_out_per_level: 8 } } });
    expect(started.cold_start).toBeUndefined();
    expect(started.data.generate!.cold_start_per_level).toBeUndefined();
    expect(coldStartKey(started)).toBeUndefined();
  });
});

test("settings: what findings compare by is apart from everything else", () => {
  const [a, b] = resolve(
    `name: s\nseeds: [1]\n${BASE}cells: [{name: a}, {name: b, set: {entropy: {controller: pi, target: {shape: linear, from: 0.3, to: 0.1, steps: 5}}, rollout.temperature: 0.6}}]\n`,
  ).cells.map((cell) => settingsOf(cell.recipe));
  expect(b).toMatchObject({ controller: "pi", targetNats: 0.1, temperature: 0.6, batchSize: 8, alpha: 0 });
  expect(b!.other).toBe(a!.other);
  const [c] = resolve(`name: s\nseeds: [1]\n${BASE}cells: [{name: a, set: {optimizer.learning_rate: 1}}]\n`).cells.map((cell) =>
    settingsOf(cell.recipe),
  );
  expect(c!.other).not.toBe(a!.other);
});
