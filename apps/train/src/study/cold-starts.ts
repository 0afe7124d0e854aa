// Which cells can begin from one cold start, the recipe that makes it, and the recipe of a cell that begins from it.
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Recipe } from "../recipe/schema.ts";
import { checkpointName } from "../run/checkpoints.ts";

/** Equal for recipes whose cold starts come out the same: everything that it depends on, and nothing else. Undefined: it has none. */
export function coldStartKey(recipe: Recipe): string | undefined {
  const { seed, model, data, cold_start, optimizer, loss, memory, engine } = recipe;
  if (cold_start === undefined) return undefined;
  const { epsilon, max_grad_norm } = optimizer;
  const parts = { seed, model, data, cold_start, epsilon, max_grad_norm, micro_batch_tokens: loss.micro_batch_tokens, memory, engine };
  return `seed-${seed}-${createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 8)}`;
}

/** The cold start of `recipe` alone: a run without a step of reinforcement learning. */
export function coldStartRecipe(recipe: Recipe, name: string): Recipe {
  const context_length = Math.max(...recipe.stages.map((stage) => stage.context_length));
  return {
    ...recipe,
    name,
    stages: [{ ...recipe.stages[0]!, name: "none", steps: 0, context_length }],
    entropy: { controller: "none" },
  };
}

/** The model folder that the run of {@link coldStartRecipe} in `run` leaves. */
export const coldStartModel = (run: string): string => join(run, "checkpoints", checkpointName(0), "model");

/** `recipe` begun from the model of its cold start instead of making it. */
export function startFrom(recipe: Recipe, model: string): Recipe {
  const { cold_start: _, ...rest } = recipe;
  const { generate, ...data } = recipe.data;
  if (generate === undefined) return { ...rest, model };
  const { cold_start_per_level: __, ...problems } = generate;
  return { ...rest, model, data: { ...data, generate: problems } };
}
