// avg@k and pass@k on held-out prompts, for each level and for all of them.

import { outcomeTable, summarize } from "@longcot/evaluation";
import type { VerifierPool } from "@longcot/verifiers";
import type { EmitEvent, EvaluationEvent, LevelResult } from "../events.ts";
import type { Recipe } from "../recipe/schema.ts";
import type { PreparedModel } from "./prepare-model.ts";
import type { TrainingPrompt } from "./prompts.ts";
import { generateResponses, gradeResponses, rolloutDecoding } from "./rollout.ts";
import type { AnswerOptions } from "./rollout.ts";

/**
 * The step of sampling keys of held-out answers: one that no training step reaches, so that they share no random numbers with rollouts, and the
 * same in every evaluation, so that two of them differ by the model alone.
 */
export const EVALUATION_STEP = 2 ** 31;

/** How held-out answers are drawn and judged. */
export interface EvaluationSettings extends Pick<AnswerOptions, "maxNewTokens" | "decoding" | "seed" | "gradeTruncated"> {
  /** k. */
  samples: number;
}

/** Those of a recipe: answers may be as long as its longest stage allows. */
export const evaluationSettings = ({ evaluation, rollout, stages, advantages, seed }: Recipe): EvaluationSettings => ({
  samples: evaluation.samples_per_prompt,
  maxNewTokens: Math.max(...stages.map((stage) => stage.context_length)),
  // All but the temperature as in the rollout, what is measured too: with the same temperature both run the same compiled programs.
  decoding: { ...rolloutDecoding({ rollout }), temperature: evaluation.temperature },
  gradeTruncated: advantages.truncated_reward === "graded",
  seed,
});

/** Evaluates the model as it is after `step` steps. */
export async function evaluate(
  prepared: PreparedModel,
  pool: VerifierPool,
  prompts: readonly TrainingPrompt[],
  { samples, ...settings }: EvaluationSettings,
  { label, step, signal, emit }: { label: string; step: number; signal: AbortSignal; emit: EmitEvent },
): Promise<EvaluationEvent> {
  const options = { ...settings, groupSize: samples, step: EVALUATION_STEP, signal, emit, phase: "evaluation" as const };
  const responses = await generateResponses(prepared, prompts, options);
  const { verdicts } = await gradeResponses(prepared, pool, prompts, responses, options);
  const table = outcomeTable(
    prompts.map((_, i) => verdicts.slice(i * samples, (i + 1) * samples).map(({ outcome }) => (outcome === "correct" ? 1 : 0))),
  );
  const { overall, byLabel } = summarize({ table, labels: prompts.map(({ level }) => level), passAt: [samples], seed: settings.seed });
  const result = (level: string, summary: typeof overall): LevelResult => {
    const pass = summary.passAtK[0]!;
    return {
      level,
      prompts: summary.problems,
      avg_at_k: summary.averageAtK.value,
      avg_at_k_low: summary.averageAtK.low,
      avg_at_k_high: summary.averageAtK.high,
      pass_at_k: pass.value,
      pass_at_k_low: pass.low,
      pass_at_k_high: pass.high,
    };
  };
  return {
    type: "evaluation",
    label,
    step,
    samples_per_prompt: samples,
    temperature: settings.decoding.temperature,
    results: [...byLabel.map((summary) => result(summary.label, summary)), result("all", overall)].toSorted((a, b) =>
      a.level === "all" ? 1 : b.level === "all" ? -1 : a.level.localeCompare(b.level, "en", { numeric: true }),
    ),
  };
}
