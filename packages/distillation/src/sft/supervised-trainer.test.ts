// Packed rows against one sequence at a time, loss and gradients; the loss against scores; what is refused.
import { createTrainer, crossEntropyLoss, planBatches, score } from "@longcot/language-model";
import type { TensorSource } from "@longcot/language-model";
import { keyedUniform } from "@longcot/tensor-kernels";
import { expectClose } from "@longcot/vitest-config/close-to";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTinyModel, type TinyModel } from "../testing/tiny-model.ts";
import { completionLength, type Example } from "./example.ts";
import { createSupervisedTrainer, validationLoss } from "./supervised-trainer.ts";

/** Gradients are a tenth of the first moments after one update without clipping. */
const OPTIMIZER = { betas: [0.9, 0.99], epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1e9 } as const;
/** A rate that changes nothing to float32. */
const NO_STEP = 1e-30;
const BATCH_TOKENS = 256;

let tiny: TinyModel;
beforeAll(async () => {
  tiny = await openTinyModel();
});
afterAll(() => tiny[Symbol.asyncDispose]());

const MOST = 64;
const LENGTHS = [40, 9, 8, 14, 5, 22, 7, 11];
const examples = (): Example[] =>
  LENGTHS.map((length, prompt) => ({
    tokens: Int32Array.from({ length }, (_, position) =>
      Math.floor(keyedUniform({ seed: 1, step: 0, prompt, sample: 0, position }) * tiny.model.config.vocabSize),
    ),
    promptLength: 1 + (prompt % 4),
  }));

async function gradients(tensors: readonly TensorSource[]): Promise<[string, Float32Array][]> {
  const first = tensors.filter(({ name }) => name.startsWith("first_moment."));
  return Promise.all(
    first.map(async ({ name, data }): Promise<[string, Float32Array]> => {
      const values = typeof data === "function" ? await data() : data;
      return [name, values.map((value) => value * 10)];
    }),
  );
}

test("packed rows give the loss and the gradients of one sequence at a time", async () => {
  const batch = examples();
  const packed = planBatches(LENGTHS, { batchTokens: BATCH_TOKENS, most: MOST });
  expect(packed.map(({ packing }) => packing?.rows)).toEqual([2]);
  const supervised = await createSupervisedTrainer(tiny.model, { optimizer: OPTIMIZER, batchTokens: BATCH_TOKENS });
  const { loss, tokens } = await supervised.step(batch, NO_STEP);
  const together = await gradients(supervised.trainer.stateTensors());
  await supervised.close();

  const alone = await createTrainer(tiny.model, { loss: crossEntropyLoss, optimizer: OPTIMIZER });
  const denominator = Float32Array.of(tokens);
  let sum = 0;
  for (const { tokens: ids, promptLength } of batch) {
    const inputIds = new Int32Array(MOST);
    inputIds.set(ids);
    const mask = Float32Array.from(inputIds, (_, t) => (t >= promptLength && t < ids.length ? 1 : 0));
    sum += (await alone.accumulate({ rows: 1, time: MOST, inputIds, inputs: { mask, denominator } })).loss;
  }
  await alone.apply(NO_STEP);
  expectClose([loss], [sum], { atol: 1e-5 }, "loss");
  for (const [i, [name, values]] of (await gradients(alone.stateTensors())).entries()) {
    const largest = Math.max(...values.map(Math.abs));
    expect(largest).toBeGreaterThan(1e-4);
    expectClose(together[i]![1], values, { atol: 1e-5, rtol: 1e-5 }, name);
  }
  await alone.close();
});

test("the loss is the mean over completion tokens, as scores have it", async () => {
  const batch = examples();
  const scores = await score(
    tiny.model,
    batch.map(({ tokens }) => tokens),
    { temperature: 1 },
  );
  let expected = 0;
  scores.forEach(({ logProbs }, i) => logProbs.slice(batch[i]!.promptLength).forEach((logProb) => (expected -= logProb)));
  expected /= batch.reduce((sum, example) => sum + completionLength(example), 0);
  expectClose([await validationLoss(tiny.model, batch, { batchTokens: BATCH_TOKENS })], [expected], { atol: 1e-6 });
  const supervised = await createSupervisedTrainer(tiny.model, { optimizer: OPTIMIZER, batchTokens: BATCH_TOKENS });
  expectClose([(await supervised.step(batch, NO_STEP)).loss], [expected], { atol: 1e-5 });
  await supervised.close();
});

test("steps lower the loss of what is learnt, and an empty completion is refused", async () => {
  await using other = await openTinyModel({ seed: 7 });
  const batch = examples();
  const supervised = await createSupervisedTrainer(other.model, { optimizer: { ...OPTIMIZER, maxGradNorm: 1 }, batchTokens: BATCH_TOKENS });
  const losses: number[] = [];
  for (let step = 0; step < 12; step++) losses.push((await supervised.step(batch, 1e-2)).loss);
  expect(losses.at(-1)!).toBeLessThan(losses[0]! - 0.5);
  expect(supervised.trainer.updates).toBe(12);
  await expect(supervised.step([{ tokens: Int32Array.of(1, 2), promptLength: 2 }], 1e-2)).rejects.toThrow(
    "SupervisedTrainer.step: examples must be at least one completion token, got none",
  );
  await supervised.close();
});
