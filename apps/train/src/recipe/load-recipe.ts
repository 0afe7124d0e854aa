// A recipe from a file, a shipped preset or a run's folder, with overrides: parsed, defaulted, checked, or one clear error.
import { fileURLToPath } from "node:url";
import { ConfigError } from "@longcot/errors";
import { stringify } from "yaml";
import { findBrokenRule, findContextOverflow } from "./check-recipe.ts";
import type { BrokenRule } from "./check-recipe.ts";
import { parseChecked } from "./checked-yaml.ts";
import { switchDataSource } from "./data-switch.ts";
import { inheritRecipe } from "./inherit-recipe.ts";
import { dotted } from "./issue-message.ts";
import { readNamedYaml, yamlNames } from "./named-yaml.ts";
import { recipeSchema } from "./schema.ts";
import type { Recipe, Stage } from "./schema.ts";

const PRESETS_FOLDER = fileURLToPath(new URL("../../recipes/", import.meta.url));

export interface LoadedRecipe {
  recipe: Recipe;
  /** What the overrides changed beyond their own keys; to be shown to the user. */
  notices: string[];
}

/** Names of the presets that ship with the program. */
export const presetNames = (): string[] => yamlNames(PRESETS_FOLDER);

/**
 * Loads a recipe.
 * @param options.source Path of a YAML file (it ends in .yaml or .yml, or holds a slash), or the name of a preset.
 * @param options.sets Overrides `key=value`, in order.
 * @throws ConfigError in one line: the key, where it was written, what was expected, what came.
 */
export function loadRecipe({ source, sets = [] }: { source: string; sets?: readonly string[] }): LoadedRecipe {
  return resolveRecipe({ ...recipeSource(source), sets });
}

/** Text and label of the recipe that `source` names, unparsed. @throws ConfigError if there is none. */
export const recipeSource = (source: string): { text: string; label: string } => readNamedYaml(source, PRESETS_FOLDER, "a recipe file");

/** {@link loadRecipe} for YAML text; `label` names it in errors, with the line unless `isWritten` is false (nobody wrote the text). */
export function resolveRecipe(source: { text: string; label: string; sets?: readonly string[]; isWritten?: boolean }): LoadedRecipe {
  const {
    value: recipe,
    locate,
    notices,
  } = parseChecked({
    schema: recipeSchema,
    ...source,
    inherit: (value) => inheritRecipe(value, { label: source.label, read: recipeSource }),
    adjust: switchDataSource,
  });
  const broken = findBrokenRule(recipe);
  if (broken !== undefined) throw ruleError(broken, locate(broken.path));
  return { recipe, notices };
}

/** The recipe as YAML with every default written out; loads back to the same recipe. */
export function writeRecipe(recipe: Recipe): string {
  return stringify(recipe, { lineWidth: 0 });
}

/** @throws ConfigError if a stage's prompt and response do not fit `maxPositionEmbeddings`, the positions of a model read from disk. */
export function checkContextFits(recipe: Recipe, maxPositionEmbeddings: number): void {
  const broken = findContextOverflow(recipe, maxPositionEmbeddings);
  if (broken !== undefined) throw ruleError(broken, `recipe ${recipe.name}`);
}

/** Steps of reinforcement learning over all stages. */
export function totalSteps(recipe: Recipe): number {
  return recipe.stages.reduce((sum, stage) => sum + stage.steps, 0);
}

/** N_SGD = (D_R / D_T) * N_reuse: optimizer steps in one step of the loop, if no group is rejected. */
export function updatesPerStep(stage: Stage): number {
  return (stage.batch_size / stage.mini_batch_size) * stage.reuse;
}

function ruleError({ path, expected, received, fix }: BrokenRule, who: string): ConfigError {
  return new ConfigError({ who, argument: dotted(path), expected, received, ...(fix === undefined ? {} : { fix }) });
}
