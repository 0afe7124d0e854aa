// A study from a file or a shipped preset: every cell resolved to a whole training recipe and checked, or one clear error.
import { fileURLToPath } from "node:url";
import { ConfigError } from "@longcot/errors";
import { stringify } from "yaml";
import { parseChecked } from "../recipe/checked-yaml.ts";
import { recipeSource, resolveRecipe } from "../recipe/load-recipe.ts";
import { inheritRecipe } from "../recipe/inherit-recipe.ts";
import { readNamedYaml, yamlNames } from "../recipe/named-yaml.ts";
import { applyOverrides, parseKey } from "../recipe/overrides.ts";
import type { Recipe } from "../recipe/schema.ts";
import { parseYaml } from "../recipe/yaml-source.ts";
import { studySchema } from "./study-schema.ts";
import type { StudyRecipe } from "./study-schema.ts";

const STUDIES_FOLDER = fileURLToPath(new URL("../../recipes/studies/", import.meta.url));

/** One cell under one seed. */
export interface StudyCell {
  name: string;
  seed: number;
  /** What the cell changes, for people. */
  set: Readonly<Record<string, unknown>>;
  recipe: Recipe;
}

export interface Study {
  recipe: StudyRecipe;
  /** By seed, then in the order of the recipe: seed by seed, so that a study cut short still compares every cell. */
  cells: StudyCell[];
}

/** Names of the studies that ship with the program. */
export const studyNames = (): string[] => yamlNames(STUDIES_FOLDER);

/** Text and label of the study that `source` names: a YAML file, or a shipped name. @throws ConfigError if there is none. */
export const readStudySource = (source: string): { text: string; label: string } => readNamedYaml(source, STUDIES_FOLDER, "a study's file");

/**
 * Resolves a study from YAML text. `sets` are `--set`s on the study's own keys, `base.…` among them.
 * @throws ConfigError naming the study's key, or the cell whose recipe does not hold.
 */
export function resolveStudy({ text, label, sets = [] }: { text: string; label: string; sets?: readonly string[] }): Study {
  const recipe = parseChecked({ schema: studySchema, text, label, sets }).value;
  const base = typeof recipe.base === "string" ? readBase(recipe.base) : recipe.base;
  const variants = expandGrid(recipe, label);
  checkPlots(
    recipe,
    variants.map(({ name }) => name),
    label,
  );
  const cells = recipe.seeds.flatMap((seed) =>
    variants.map(({ name, recipe: source, set }): StudyCell => {
      const own = `${label}, cell ${name}`;
      const shared = source === undefined ? base : readBase(source);
      const start = applyOverrides(shared, expandStages(shared, recipe.set, own));
      const changed = applyOverrides(start, [
        ...expandStages(start, set, own),
        { path: ["seed"], value: seed },
        { path: ["name"], value: cellRecipeName(recipe, name) },
      ]);
      return {
        name,
        seed,
        set: source === undefined ? set : { recipe: source, ...set },
        recipe: resolveRecipe({ text: stringify(changed), label: own, isWritten: false }).recipe,
      };
    }),
  );
  return { recipe, cells };
}

/** The plain values of a training recipe, with those of what it extends. */
function readBase(source: string): unknown {
  const { text, label } = recipeSource(source);
  return inheritRecipe(parseYaml(text, label).value, { label, read: recipeSource });
}

/** Steps of reinforcement learning over all stages, as the longest of the cells has them. */
export const longestCell = (cells: readonly StudyCell[]): number =>
  Math.max(...cells.map(({ recipe }) => recipe.stages.reduce((sum, stage) => sum + stage.steps, 0)));

function checkPlots({ plots = [] }: StudyRecipe, names: readonly string[], who: string): void {
  const stray = plots.flatMap(({ cells }) => cells).find((name) => !names.includes(name));
  if (stray !== undefined)
    throw new ConfigError({ who, argument: "plots", expected: `cells of the study (${names.join(", ")})`, received: stray });
}

/** Run names are file names: what separates values in a cell's name becomes a dash. */
function cellRecipeName(recipe: StudyRecipe, cell: string): string {
  return `${recipe.name}-${cell}`.replaceAll(/[^A-Za-z0-9.+_-]+/g, "-");
}

/** Each of `cells` (or one without changes) in every combination of `grid`. */
function expandGrid(
  { cells, grid = {} }: StudyRecipe,
  label: string,
): { name: string; recipe: string | undefined; set: Record<string, unknown> }[] {
  const axes = Object.entries(grid);
  if (cells === undefined && axes.length === 0)
    throw new ConfigError({ who: label, argument: "cells", expected: "at least one cell, or a grid", received: "neither" });
  let variants = (cells ?? [{ name: "", recipe: undefined, set: {} }]).map(({ name, recipe, set }) => ({
    parts: name === "" ? [] : [name],
    recipe,
    set,
  }));
  for (const [key, values] of axes) {
    variants = variants.flatMap(({ parts, recipe, set }) =>
      values.map((value) => ({ parts: [...parts, `${key.split(".").at(-1)}=${valueName(value)}`], recipe, set: { ...set, [key]: value } })),
    );
  }
  const named = variants.map(({ parts, recipe, set }) => ({ name: parts.join(","), recipe, set }));
  const twice = named.find(({ name }, i) => named.findIndex((other) => other.name === name) !== i);
  if (twice !== undefined)
    throw new ConfigError({ who: label, argument: "cells", expected: "names that differ", received: `${twice.name} twice` });
  return named;
}

function valueName(value: unknown): string {
  const text = typeof value === "object" && value !== null ? Object.values(value).join("-") : String(value);
  return text.replaceAll(/[^A-Za-z0-9.+_-]+/g, "-");
}

/** `stages.*.key` for every stage of the base. */
function expandStages(base: unknown, set: Readonly<Record<string, unknown>>, who: string) {
  const stages = (base as { stages?: unknown }).stages;
  const count = Array.isArray(stages) ? stages.length : 0;
  return Object.entries(set).flatMap(([key, value]) => {
    const path = parseKey(key.replaceAll("*", "0"), who);
    const star = key.split(".").indexOf("*");
    if (star < 0) return [{ path, value }];
    if (key.split(".")[0] !== "stages" || star !== 1)
      throw new ConfigError({ who, argument: key, expected: "* for the index of a stage only, as in stages.*.reuse", received: key });
    return Array.from({ length: count }, (_, i) => ({ path: path.with(star, i), value }));
  });
}

/** Overrides as one line: `stages.*.reuse 4, loss.clip_high 0.28`. */
export function describeSet(set: Readonly<Record<string, unknown>>): string {
  const entries = Object.entries(set);
  if (entries.length === 0) return "the base recipe";
  return entries.map(([key, value]) => `${key} ${JSON.stringify(value).replaceAll('"', "")}`).join(", ");
}
