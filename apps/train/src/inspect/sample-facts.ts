// One response with everything that is stored of it, texts included.
import type { Tokenizer } from "@longcot/language-model";
import type { Rollouts, RolloutRow } from "@longcot/rollout-buffer";

export interface SampleFacts {
  step: number;
  stage: number;
  weight_version: number;
  prompt_id: number;
  sample_index: number;
  data_source: string;
  level: number | null;
  finish_reason: string;
  outcome: string | null;
  reward: number | null;
  advantage: number | null;
  /** Tokens. */
  response_length: number;
  /** Special tokens included, as the model saw it. */
  prompt: string;
  response: string;
  prompt_tokens: number[];
  response_tokens: number[];
  response_mask: number[];
  /** Nats. */
  rollout_log_probs: number[];
  old_log_probs: number[] | null;
  ref_log_probs: number[] | null;
  /** Nats. */
  entropies: number[] | null;
  top_k_mass: number[] | null;
}

/** Row `row` of the step. */
export function sampleFacts(rollouts: Rollouts, row: number, tokenizer: Tokenizer): SampleFacts {
  const found: RolloutRow = rollouts.viewRow(row);
  const list = (values: ArrayLike<number> | undefined): number[] | null => (values === undefined ? null : Array.from(values));
  return {
    step: found.step,
    stage: found.stage,
    weight_version: found.weightVersion,
    prompt_id: found.promptId,
    sample_index: found.sampleIndex,
    data_source: found.dataSource,
    level: found.level ?? null,
    finish_reason: found.finishReason,
    outcome: found.outcome ?? null,
    reward: found.reward ?? null,
    advantage: found.advantage ?? null,
    response_length: found.responseTokens.length,
    prompt: tokenizer.decode(found.promptTokens),
    response: tokenizer.decode(found.responseTokens),
    prompt_tokens: [...found.promptTokens],
    response_tokens: [...found.responseTokens],
    response_mask: [...found.responseMask],
    rollout_log_probs: [...found.rolloutLogProbs],
    old_log_probs: list(found.oldLogProbs),
    ref_log_probs: list(found.refLogProbs),
    entropies: list(found.entropies),
    top_k_mass: list(found.topKMass),
  };
}
