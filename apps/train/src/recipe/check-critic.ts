// The rules of a recipe about its critic: there where something reads it, with the knobs that its kind reads.
import { advantageEstimators } from "@longcot/ppo-loss";
import type { BrokenRule } from "./check-recipe.ts";
import type { Recipe } from "./schema.ts";

export function* criticRules(recipe: Recipe): Iterable<BrokenRule> {
  const { critic, advantages, stages } = recipe;
  const needs: readonly string[] = advantageEstimators[advantages.estimator].needs;
  if (critic === undefined) {
    if (needs.includes("values"))
      yield {
        path: ["advantages", "estimator"],
        expected: "one that does not need the values of a critic, or a recipe with one",
        received: advantages.estimator,
        fix: "Add critic: {}",
      };
    return;
  }
  if (!needs.includes("values"))
    yield {
      path: ["critic"],
      expected: `absent, since advantages.estimator ${advantages.estimator} does not read its values`,
      received: "a critic",
      fix: "Set advantages.estimator to gae, or remove critic",
    };
  const idle = critic.backbone === "own" ? (["loss_coefficient"] as const) : (["learning_rate", "mini_batch_size", "reuse"] as const);
  for (const key of idle)
    if (critic[key] !== undefined)
      yield {
        path: ["critic", key],
        expected: `absent, since it has no effect with critic.backbone ${critic.backbone}`,
        received: String(critic[key]),
      };
  const { mini_batch_size: size } = critic;
  const undivided = size === undefined ? -1 : stages.findIndex(({ batch_size }) => batch_size % size !== 0);
  if (undivided !== -1)
    yield {
      path: ["critic", "mini_batch_size"],
      expected: `a divisor of stages.${undivided}.batch_size (${stages[undivided]!.batch_size})`,
      received: String(size),
    };
  const steps = stages.reduce((sum, stage) => sum + stage.steps, 0);
  if (steps > 0 && critic.warmup_steps >= steps)
    yield {
      path: ["critic", "warmup_steps"],
      expected: `below the ${steps} steps of the stages, or the policy is never trained`,
      received: String(critic.warmup_steps),
    };
}
