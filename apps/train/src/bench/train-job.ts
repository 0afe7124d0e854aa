// A training step: cross-entropy of random sequences, gradients, clipping, AdamW.
import { createTrainer, crossEntropyLoss } from "@longcot/language-model";
import { timeCalls } from "./bench-job.ts";
import type { PrepareJob } from "./bench-job.ts";
import { createBenchModel, randomTokens } from "./bench-model.ts";
import { median } from "./median.ts";

const WARM_UP_STEPS = 3;
const LEARNING_RATE = 1e-3;

export const prepareTraining: PrepareJob = async (engine, shapes) => {
  const { model, parameters } = await createBenchModel(engine, shapes);
  const trainer = await createTrainer(model, {
    loss: crossEntropyLoss,
    optimizer: { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.01, maxGradNorm: 1 },
  });
  const { batch: rows, time } = shapes;
  // Nothing predicts the first token of a sequence.
  const mask = Float32Array.from({ length: rows * time }, (_, i) => (i % time === 0 ? 0 : 1));
  const inputs = { mask, denominator: Float32Array.of(rows * (time - 1)) };
  const inputIds = randomTokens(rows * time, shapes.vocab, 0);
  const step = async (): Promise<void> => {
    await trainer.accumulate({ rows, time, inputIds, inputs });
    await trainer.apply(LEARNING_RATE);
  };
  await timeCalls(WARM_UP_STEPS, step);
  return {
    async measure(repeats) {
      const seconds = await timeCalls(2 * repeats, step);
      const middle = median(seconds);
      return { parameters, seconds_per_step: middle, tokens_per_s: (rows * time) / middle, median_of: seconds.length };
    },
  };
};
