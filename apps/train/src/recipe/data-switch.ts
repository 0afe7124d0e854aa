// `--set data.train=FILE` over a recipe that generates its data: the file takes the place of the generator, and says so.
import type { Override } from "./overrides.ts";
import { valueAt } from "./issue-message.ts";

/**
 * The overrides, after removals that `--set data.train=…` implies: `data.generate`, `data.levels`, `cold_start` and the stages'
 * `levels`, which all speak of generated problems. Removals come first, so that an explicit override of the same key still stands
 * (and is checked like any other).
 */
export function switchDataSource(recipe: unknown, overrides: readonly Override[]): { overrides: Override[]; notices: string[] } {
  const setsFile = overrides.some(({ path, value }) => path.join(".") === "data.train" && value !== null);
  if (!setsFile || valueAt(recipe, ["data", "generate"]) === undefined) return { overrides: [...overrides], notices: [] };
  const stages = valueAt(recipe, ["stages"]);
  const candidates: (string | number)[][] = [
    ["data", "generate"],
    ["data", "levels"],
    ["cold_start"],
    ["evaluation", "prompts_per_level"],
    ...(Array.isArray(stages) ? stages.map((_, i) => ["stages", i, "levels"]) : []),
  ];
  const removed = candidates.filter((path) => valueAt(recipe, path) !== undefined);
  return {
    overrides: [...removed.map((path) => ({ path, value: null })), ...overrides],
    notices: [
      `data.train replaces the generated data, so ${removed.map((path) => path.join(".")).join(", ")} of the recipe ${removed.length === 1 ? "is" : "are"} left out`,
    ],
  };
}
