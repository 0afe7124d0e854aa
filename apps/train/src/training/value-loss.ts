// The recipe's value loss as a trainer takes it: alone, or added to the policy's on a shared backbone.

import { valuesBeforeTokens } from "@longcot/language-model";
import type { ActorCriticLoss, ScalarLoss } from "@longcot/language-model";
import { valueLoss, valueMetricReductions } from "@longcot/ppo-loss";
import type { ValueMetric } from "@longcot/ppo-loss";
import * as tf from "@tensorflow/tfjs-core";
import type { Scalar, Tensor, Tensor1D, Tensor2D } from "@tensorflow/tfjs-core";
import type { CriticSettings } from "../recipe/critic-schema.ts";
import type { Recipe } from "../recipe/schema.ts";
import { policyTokenLoss } from "./policy-loss.ts";

const VALUE_INPUTS = { old_values: "token", returns: "token", mask: "token", row_weights: "row", token_denominator: "scalar" } as const;
export type ValueInput = keyof typeof VALUE_INPUTS;

function evaluate(scores: Tensor2D, inputs: Readonly<Record<ValueInput, Tensor>>, settings: CriticSettings): ReturnType<typeof valueLoss> {
  return valueLoss({
    values: valuesBeforeTokens(scores),
    oldValues: inputs.old_values as Tensor2D,
    returns: inputs.returns as Tensor2D,
    mask: inputs.mask as Tensor2D,
    rowWeights: inputs.row_weights as Tensor1D,
    tokenDenominator: inputs.token_denominator as Scalar,
    clipValue: settings.clip_value,
  });
}

/** The loss of a critic alone. Metrics under verl's names without `critic/`. */
export function criticLoss(settings: CriticSettings): ScalarLoss<ValueInput, ValueMetric> {
  return {
    inputs: VALUE_INPUTS,
    metrics: valueMetricReductions,
    evaluate: ({ scores, inputs }) => evaluate(scores, inputs, settings),
  };
}

/** The policy's loss + `loss_coefficient` · the value loss, of a policy with a value head; metrics of both. */
export function actorCriticLoss(recipe: Recipe, settings: CriticSettings): ActorCriticLoss<string, string> {
  const policy = policyTokenLoss(recipe);
  return {
    ...policy,
    inputs: { ...policy.inputs, ...VALUE_INPUTS },
    metrics: { ...policy.metrics, ...valueMetricReductions },
    evaluate({ scores, ...seen }) {
      const actor = policy.evaluate(seen);
      const critic = evaluate(scores, seen.inputs as Record<ValueInput, Tensor>, settings);
      return {
        loss: tf.add(actor.loss, tf.mul(critic.loss, settings.loss_coefficient!)),
        metrics: { ...actor.metrics, ...critic.metrics },
      };
    },
  };
}
