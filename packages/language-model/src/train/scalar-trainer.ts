// Trainers of models with a scalar head: alone (reward model, critic with weights of its own) or beside a policy's (shared backbone).

import type { ActorCritic, ScalarModel } from "../model/model.ts";
import { hiddenStates } from "../score/hidden-states.ts";
import { logProbsOfHidden } from "../score/sequence-log-probs.ts";
import { scalarsOfHidden, sequenceScalars } from "../score/sequence-scalars.ts";
import type { BatchLoss } from "./token-loss.ts";
import { createModelTrainer } from "./trainer.ts";
import type { ReferenceOption, Trainer, UpdateOptions } from "./trainer.ts";

/** A loss over `scores [batch, time]`: entry t is the head's number after token t, all tokens up to t seen. */
export type ScalarLoss<Inputs extends string, Metrics extends string> = BatchLoss<"scores", Inputs, Metrics>;

/** A loss over a policy and its value head: `logProbs` and `entropies` at the token that they are about, `scores` as {@link ScalarLoss} has them. */
export type ActorCriticLoss<Inputs extends string, Metrics extends string> = BatchLoss<
  "logProbs" | "entropies" | "scores",
  Inputs,
  Metrics
>;

/** As `createTrainer`, for a scalar model: backbone and head are trained, or whatever is `trainable` in it. */
export async function createScalarTrainer<Inputs extends string, Metrics extends string>(
  model: ScalarModel | ActorCritic,
  options: UpdateOptions & { loss: ScalarLoss<Inputs, Metrics> },
): Promise<Trainer<Inputs, Metrics>> {
  return createModelTrainer(model, {
    ...options,
    see: (weights, inputIds, seeing) => ({ scores: sequenceScalars(model, weights, inputIds, seeing) }),
  });
}

/** As `createTrainer`, for a policy with a value head: one pass gives both, one update trains what they share. `temperature` divides the logits. */
export async function createActorCriticTrainer<Inputs extends string, Metrics extends string>(
  model: ActorCritic,
  { temperature = 1, ...options }: UpdateOptions & ReferenceOption & { temperature?: number; loss: ActorCriticLoss<Inputs, Metrics> },
): Promise<Trainer<Inputs, Metrics>> {
  return createModelTrainer(model, {
    ...options,
    see(weights, inputIds, seeing) {
      const hidden = hiddenStates(model, weights, inputIds, seeing);
      return {
        ...logProbsOfHidden(model, weights, inputIds, hidden, { temperature, ...seeing }),
        scores: scalarsOfHidden(weights, inputIds, hidden),
      };
    },
  });
}
