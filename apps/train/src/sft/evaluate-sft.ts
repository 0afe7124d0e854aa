// Validation loss and avg@k of a model under fine-tuning.
import { validationLoss } from "@longcot/distillation";
import type { Example } from "@longcot/distillation";
import type { VerifierPool } from "@longcot/verifiers";
import { evaluate } from "../training/evaluate.ts";
import type { PreparedModel } from "../training/prepare-model.ts";
import type { TrainingPrompt } from "../training/prompts.ts";
import type { SftJob } from "./run-sft.ts";
import type { SftEvaluation } from "./sft-folder.ts";
import type { SftRecipe } from "./sft-recipe.ts";

/** What is evaluated, on what. */
interface Evaluated {
  prepared: PreparedModel;
  /** Absent: no problems. */
  pool: VerifierPool | undefined;
  problems: readonly TrainingPrompt[];
  validation: readonly Example[];
  maxNewTokens: number;
}

/** The validation loss where there are examples for it, avg@k where there are problems. Rejects with the signal's reason when that comes first. */
export async function evaluateModel(
  recipe: SftRecipe,
  { prepared, pool, problems, validation, maxNewTokens }: Evaluated,
  { label, step, signal, onProgress }: { label: string; step: number } & Pick<SftJob, "signal" | "onProgress">,
): Promise<SftEvaluation> {
  const show = (what: string, done: number, total: number, unit: string) =>
    onProgress({ phase: `${what} ${step}`, done, total, text: `${what} ${done} of ${total} ${unit}` });
  const loss =
    validation.length === 0
      ? {}
      : {
          validation_loss: await validationLoss(prepared.model, validation, {
            batchTokens: recipe.training.micro_batch_tokens,
            onProgress: ({ done, total }) => show("validation", done, total, "examples"),
          }),
        };
  if (pool === undefined) return { step, label, ...loss };
  const { samples_per_prompt: samples, temperature } = recipe.evaluation;
  const { type: _, ...accuracy } = await evaluate(
    prepared,
    pool,
    problems,
    { samples, maxNewTokens, decoding: { temperature, topP: 1, topK: 0 }, seed: recipe.seed, gradeTruncated: false },
    {
      label,
      step,
      signal,
      emit: (event) => {
        if (event.type === "phase") show("evaluation", event.completed, event.total, event.unit);
      },
    },
  );
  return { ...accuracy, ...loss };
}
