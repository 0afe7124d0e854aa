// The cold start: supervised fine-tuning on worked solutions, before any reward.

import { loadConversations } from "@longcot/data-filter";
import type { Conversation } from "@longcot/data-filter";
import { createSupervisedTrainer, encodeExample, learningRateAt } from "@longcot/distillation";
import type { Example } from "@longcot/distillation";
import type { Tokenizer } from "@longcot/language-model";
import { DataError } from "@longcot/errors";
import { keyedUniform } from "@longcot/tensor-kernels";
import type { EmitEvent } from "../events.ts";
import { optimizerOptions } from "../recipe/optimizer-options.ts";
import type { ColdStart, Recipe } from "../recipe/schema.ts";
import type { PreparedModel } from "./prepare-model.ts";

/** Trains `model` on the conversations of `path`. Returns early, the model as it then is, when the signal is aborted. */
export async function coldStart(
  { model, tokenizer }: PreparedModel,
  path: string,
  recipe: Recipe & { cold_start: ColdStart },
  { emit, signal }: { emit: EmitEvent; signal: AbortSignal },
): Promise<void> {
  const { steps, batch_size, learning_rate, warmup_steps, schedule, betas, weight_decay, levels } = recipe.cold_start;
  const byLevel = examplesByLevel(await loadConversations([path]), tokenizer);
  const trainer = await createSupervisedTrainer(model, {
    batchTokens: recipe.loss.micro_batch_tokens,
    optimizer: optimizerOptions({ ...recipe.optimizer, betas, weight_decay }),
    gradientCheckpointing: recipe.memory.gradient_checkpointing,
  });
  try {
    for (let step = 1; step <= steps && !signal.aborted; step++) {
      const examples = Array.from({ length: batch_size }, (_, i) => drawExample(byLevel, levels, { seed: recipe.seed, step, i }));
      const { loss } = await trainer.step(
        examples,
        learningRateAt(step, { peak: learning_rate, schedule, warmupSteps: warmup_steps, steps }),
      );
      emit({ type: "phase", phase: "cold_start", completed: step, total: steps, unit: "steps", metrics: { loss } });
    }
  } finally {
    await trainer.close();
  }
}

/** A level by the recipe's weights, then one of its examples, both keyed by seed, step and place in the batch. */
function drawExample(
  byLevel: ReadonlyMap<string, Example[]>,
  weights: Readonly<Record<string, number>>,
  { seed, step, i }: { seed: number; step: number; i: number },
): Example {
  const uniform = (position: number) => keyedUniform({ seed, step, prompt: i, sample: COLD_START_SAMPLE, position });
  const levels = Object.entries(weights).filter(([, weight]) => weight > 0);
  let rest = uniform(0) * levels.reduce((sum, [, weight]) => sum + weight, 0);
  const level = levels.find(([, weight]) => (rest -= weight) < 0)?.[0] ?? levels.at(-1)![0];
  const examples = byLevel.get(level);
  if (examples === undefined)
    throw new DataError({ who: "cold start", argument: `level ${level}`, expected: "at least one worked solution", received: "none" });
  return examples[Math.floor(uniform(1) * examples.length)]!;
}

/** A sample number that no group reaches: keeps these draws apart from those of sampling. */
const COLD_START_SAMPLE = 2 ** 32 - 1;

function examplesByLevel(conversations: readonly Conversation[], tokenizer: Tokenizer): Map<string, Example[]> {
  const byLevel = new Map<string, Example[]>();
  for (const { messages, level } of conversations) {
    const key = String(level ?? 0);
    const examples = byLevel.get(key) ?? [];
    examples.push(encodeExample(tokenizer, { messages }));
    byLevel.set(key, examples);
  }
  return byLevel;
}
