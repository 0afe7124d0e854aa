// A recipe's optimizer as trainers take it.
import type { UpdateOptions } from "@longcot/language-model";
import type { z } from "zod";
import type { optimizer } from "./schema.ts";

type OptimizerSettings = Omit<z.infer<typeof optimizer>, "learning_rate">;

/** AdamW's settings and those of gradient clipping; the learning rate is given with every update. */
export function optimizerOptions({ betas, epsilon, weight_decay, max_grad_norm }: OptimizerSettings): UpdateOptions["optimizer"] {
  return { betas, epsilon, weightDecay: weight_decay, maxGradNorm: max_grad_norm };
}
