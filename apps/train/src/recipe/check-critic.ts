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
  const idle = critic.backbone === "own" ? "loss_coefficient" : "learning_rate";
  if (critic[idle] !== undefined)
    yield {
      path: ["critic", idle],
      expected: `absent, since it has no effect with critic.backbone ${critic.backbone}`,
      received: String(critic[idle]),
    };
  const steps = stages.reduce((sum, stage) => sum + stage.steps, 0);
  if (steps > 0 && critic.warmup_steps >= steps)
    yield {
      path: ["critic", "warmup_steps"],
      expected: `below the ${steps} steps of the stages, or the policy is never trained`,
      received: String(critic.warmup_steps),
    };
}
