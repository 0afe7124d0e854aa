// The memory plan of a reward model's training: said before its weights are loaded, refused where it cannot fit.

import type { ModelConfig } from "@longcot/language-model";
import { memoryPlanLine } from "../progress/memory-plan-lines.ts";
import { checkPlanFits } from "../training/memory-parts.ts";
import type { Change } from "../training/memory-parts.ts";
import { planSupervisedMemory } from "../training/supervised-memory.ts";
import type { SupervisedPlan } from "../training/supervised-memory.ts";
import type { RewardRecipe } from "./reward-recipe.ts";

const TOKEN_BYTES = Int32Array.BYTES_PER_ELEMENT;

interface RewardMemoryInputs {
  config: ModelConfig;
  /** Tokens of all examples; the two answers of a pair are one, since they share a row. */
  lengths: readonly number[];
  warn: (text: string) => void;
}

/** Tells the plan of `recipe` to `warn`. @throws ConfigError where it does not fit, naming the setting to change. */
export function checkRewardMemory({ name, training, memory }: RewardRecipe, { config, lengths, warn }: RewardMemoryInputs): void {
  const longest = lengths.reduce((most, length) => Math.max(most, length), 2);
  const planWith = (microBatchTokens: number): SupervisedPlan =>
    planSupervisedMemory({
      // The head is one row: nothing beside the embedding is of the vocabulary's size.
      config: { ...config, tieWordEmbeddings: true },
      gradientCheckpointing: false,
      microBatchTokens,
      longest,
      sequences: training.batch_size,
      exampleBytes: lengths.reduce((sum, length) => sum + length * TOKEN_BYTES, 0),
      limitGib: memory.limit_gib,
    });
  const plan = planWith(training.micro_batch_tokens);
  warn(memoryPlanLine(plan));
  const changes = (): Change[] => {
    const fewer: Change[] = [];
    for (let tokens = Math.floor(training.micro_batch_tokens / 2); tokens >= longest; tokens = Math.floor(tokens / 2))
      fewer.push([`training.micro_batch_tokens=${tokens}`, planWith(tokens).peak_bytes]);
    return fewer;
  };
  checkPlanFits(plan, { who: `reward-model ${name}`, limitGib: memory.limit_gib, changes });
}
