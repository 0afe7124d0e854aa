// A step of supervised fine-tuning on examples of many lengths, packed: useful tokens are those of completions, whose loss is learnt.
import { completionLength, createSupervisedTrainer } from "@longcot/distillation";
import type { Example } from "@longcot/distillation";
import type { PrepareJob } from "./bench-job.ts";
import { createBenchModel, randomTokens } from "./bench-model.ts";
import { median } from "./median.ts";

const WARM_UP_STEPS = 3;
const LEARNING_RATE = 1e-3;
/** Spreads the lengths of completions over what `time` leaves. */
const LENGTH_STRIDE = 37;

export const prepareSft: PrepareJob = async (engine, shapes) => {
  const { model, parameters } = await createBenchModel(engine, shapes);
  const { batch, time, prompt, vocab } = shapes;
  const trainer = await createSupervisedTrainer(model, {
    batchTokens: 2 * batch * time,
    optimizer: { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.01, maxGradNorm: 1 },
  });
  let made = 0;
  /** The next examples of together about `batch` · `time` tokens. */
  const nextBatch = (): Example[] => {
    const examples: Example[] = [];
    for (let tokens = 0; ;) {
      const length = prompt + 1 + ((LENGTH_STRIDE * made) % (time - prompt));
      if (tokens + length > batch * time) return examples;
      examples.push({ tokens: randomTokens(length, vocab, made++), promptLength: prompt });
      tokens += length;
    }
  };
  const step = async (): Promise<{ tokens: number; seconds: number }> => {
    const examples = nextBatch();
    const start = performance.now();
    await trainer.step(examples, LEARNING_RATE);
    return { tokens: examples.reduce((sum, example) => sum + completionLength(example), 0), seconds: (performance.now() - start) / 1000 };
  };
  for (let i = 0; i < WARM_UP_STEPS; i++) await step();
  return {
    async measure(repeats) {
      const steps = [];
      for (let i = 0; i < 2 * repeats; i++) steps.push(await step());
      return {
        parameters,
        seconds_per_step: median(steps.map(({ seconds }) => seconds)),
        tokens_per_s: median(steps.map(({ tokens, seconds }) => tokens / seconds)),
        useful_tokens_per_step: steps.reduce((sum, { tokens }) => sum + tokens, 0) / steps.length,
        median_of: steps.length,
      };
    },
  };
};
