// What a process reward model makes of labelled steps.
import { tokenScalars } from "@longcot/language-model";
import type { ScalarModel } from "@longcot/language-model";
import { stepMeasures } from "@longcot/reward-model";
import type { JudgedSteps, StepMeasures } from "@longcot/reward-model";
import type { EncodedAnswer } from "./step-data.ts";

/** Plain JSON. */
export interface AnswerStepMeasures extends StepMeasures {
  /** Every answer's probabilities beside its labels. */
  judged: JudgedSteps[];
}

/** σ(logit), of a token classifier's one label. */
export const probabilityOf = (logit: number): number => 1 / (1 + Math.exp(-logit));

export async function measureSteps(
  model: ScalarModel,
  answers: readonly EncodedAnswer[],
  { batchTokens, onProgress }: { batchTokens?: number; onProgress: (progress: { done: number; total: number }) => void },
): Promise<AnswerStepMeasures> {
  const logits = await tokenScalars(
    model,
    answers.map(({ tokens }) => tokens),
    { ...(batchTokens === undefined ? {} : { batchTokens }), onProgress },
  );
  const judged = answers.map(({ ends, values, labels }, i) => ({
    probabilities: ends.map((end) => probabilityOf(logits[i]![end]!)),
    values: [...values],
    labels: [...labels],
  }));
  return { ...stepMeasures(judged), judged };
}
