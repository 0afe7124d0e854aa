// The critic: a value function for advantages of PPO (GAE). Present where `advantages.estimator` is gae. γ and λ are in `advantages`.
import { z } from "zod";
import { count, countOrZero, positive } from "./fields.ts";

const criticKeys = z.strictObject({
  /** `own`: a copy of the policy's weights with a scalar head, trained apart; `shared`: a scalar head on the policy's own hidden states. */
  backbone: z.enum(["own", "shared"]).default("own"),
  /** Of own weights; its other settings are those of `optimizer`. Default 1e-5, as in verl. */
  learning_rate: positive.optional(),
  /** Of own weights: prompts in one of its updates; absent: the stage's mini_batch_size. */
  mini_batch_size: count.optional(),
  /** Of own weights: passes over the rollouts of a step; absent: the stage's reuse. */
  reuse: count.optional(),
  /** Weight of the value loss in the loss of a shared backbone. Default 0.5. */
  loss_coefficient: positive.optional(),
  /** How far a value may move from what it was at the rollout before its loss is clipped. */
  clip_value: positive.default(0.5),
  /** First steps in which only the critic is trained: its own weights, or the head alone on a shared backbone. */
  warmup_steps: countOrZero.default(0),
});

export const criticSchema = criticKeys.transform(({ backbone, ...given }) => ({
  backbone,
  ...(backbone === "own" ? { learning_rate: 1e-5 } : { loss_coefficient: 0.5 }),
  ...given,
}));

export type CriticSettings = z.output<typeof criticSchema>;
