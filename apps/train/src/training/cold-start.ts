// The cold start: supervised fine-tuning on worked solutions, before any reward.

import { loadConversations } from "@longcot/data-filter";
import type { Conversation } from "@longcot/data-filter";
import { createTrainer, crossEntropyLoss, planBatches } from "@longcot/language-model";
import type { Tokenizer } from "@longcot/language-model";
import { DataError } from "@longcot/errors";
import { keyedUniform } from "@longcot/tensor-kernels";
import type { EmitEvent } from "../events.ts";
import type { ColdStart, Recipe } from "../recipe/schema.ts";
import type { PreparedModel } from "./prepare-model.ts";

/** A conversation as token ids; the loss is on what follows the prompt. */
interface Example {
  tokens: Int32Array;
  promptLength: number;
}

/** Trains `model` on the conversations of `path`. Returns early, the model as it then is, when the signal is aborted. */
export async function coldStart(
  { model, tokenizer }: PreparedModel,
  path: string,
  recipe: Recipe & { cold_start: ColdStart },
  { emit, signal }: { emit: EmitEvent; signal: AbortSignal },
): Promise<void> {
  const { steps, batch_size, learning_rate, warmup_steps, betas, weight_decay, levels } = recipe.cold_start;
  const byLevel = examplesByLevel(await loadConversations([path]), tokenizer);
  const trainer = await createTrainer(model, {
    loss: crossEntropyLoss,
    optimizer: { betas, weightDecay: weight_decay, epsilon: recipe.optimizer.epsilon, maxGradNorm: recipe.optimizer.max_grad_norm },
  });
  try {
    for (let step = 1; step <= steps && !signal.aborted; step++) {
      const examples = Array.from({ length: batch_size }, (_, i) => drawExample(byLevel, levels, { seed: recipe.seed, step, i }));
      const loss = await learn(examples);
      await trainer.apply(learning_rate * Math.min(1, step / Math.max(1, warmup_steps)));
      emit({ type: "phase", phase: "cold_start", completed: step, total: steps, unit: "steps", metrics: { loss } });
    }
  } finally {
    await trainer.close();
  }

  /** Accumulates one batch; returns its mean loss in nats per token. */
  async function learn(examples: readonly Example[]): Promise<number> {
    const denominator = Float32Array.of(examples.reduce((sum, { tokens, promptLength }) => sum + tokens.length - promptLength, 0));
    let loss = 0;
    for (const { indices, rows, time, packing } of planBatches(
      examples.map(({ tokens }) => tokens.length),
      { batchTokens: recipe.loss.micro_batch_tokens, most: model.config.maxPositionEmbeddings },
    )) {
      const inputIds = new Int32Array(rows * time);
      const mask = new Float32Array(rows * time);
      indices.forEach((index, row) => {
        const { tokens, promptLength } = examples[index]!;
        inputIds.set(tokens, row * time);
        mask.fill(1, row * time + promptLength, row * time + tokens.length);
      });
      loss += (await trainer.accumulate({ rows, time, packing, inputIds, inputs: { mask, denominator } })).loss;
    }
    return loss;
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
    const rendered = tokenizer.renderChat(
      messages.slice(0, -1).map(({ role, content }) => ({ role, content })),
      { addGenerationPrompt: true },
    );
    const prompt = tokenizer.encode(rendered);
    const completion = tokenizer.encode(continuation(rendered, messages.at(-1)!.content));
    const tokens = Int32Array.from([...prompt, ...completion, tokenizer.eosTokenIds[0]!]);
    const key = String(level ?? 0);
    const examples = byLevel.get(key) ?? [];
    examples.push({ tokens, promptLength: prompt.length });
    byLevel.set(key, examples);
  }
  return byLevel;
}

/** What is left of an assistant's turn once the generation prompt has opened its reasoning. */
function continuation(rendered: string, content: string): string {
  const opened = rendered.match(/<think>\s*$/);
  return opened !== null && content.startsWith("<think>") ? content.slice("<think>".length) : content;
}
