// Numbers of the whole distribution: the same in chunks as at once, with the gradient of the plain formula; in training held to what scoring says of
// the two models.
import * as tf from "@tensorflow/tfjs-core";
import { expectClose } from "@longcot/vitest-config/close-to";
import { describe, expect, test } from "vitest";
import { loadLanguageModel } from "../model/language-model.ts";
import { writeVariables } from "../model/model-parameters.ts";
import { ENGINES, openTinyModel, TINY_QWEN2 } from "../testing/engines.ts";
import { createTrainer } from "../train/trainer.ts";
import type { MicroBatch } from "../train/trainer.ts";
import type { TokenLoss } from "../train/token-loss.ts";
import { distributionTerms } from "./distribution-terms.ts";
import type { DistributionTerm, DistributionTerms } from "./distribution-terms.ts";
import { score } from "./score.ts";
import { topLogProbs } from "./top-log-probs.ts";

/** Σ π (log π − log π_ref). */
const divergence: DistributionTerm = (logits, reference) => {
  const logProbs = tf.logSoftmax(logits);
  return tf.sum(tf.mul(tf.exp(logProbs), tf.sub(logProbs, tf.logSoftmax(reference!))), -1);
};
/** Σ π². */
const sumSquares: DistributionTerm = (logits) => tf.sum(tf.square(tf.softmax(logits)), -1);
const TEMPERATURE = 0.7;

test.each([1, 2, 5])("chunks of %i positions give values and gradients of the plain formula", async (chunkTokens) => {
  await tf.setBackend("wasm");
  const normal = (shape: [number, number], seed: number) => tf.randomNormal(shape, 0, 1, "float32", seed);
  const [hidden, unembedding] = [normal([5, 3], 1), normal([7, 3], 2)];
  const reference = { hidden: normal([5, 4], 3), unembedding: normal([7, 4], 4) };
  const weights = tf.tensor1d([1, -2, 0.5, 3, 1]);
  const logitsOf = (h: tf.Tensor, u: tf.Tensor) => tf.mul(tf.matMul(h, u, false, true), 1 / TEMPERATURE) as tf.Tensor2D;
  const total = (kl: tf.Tensor, squares: tf.Tensor) => tf.sum(tf.mul(weights, tf.add(kl, tf.mul(squares, 2)))) as tf.Scalar;
  const plain = tf.valueAndGrads((h, u) => {
    const logits = logitsOf(h, u);
    return total(divergence(logits, logitsOf(reference.hidden, reference.unembedding)), sumSquares(logits));
  })([hidden, unembedding]);
  const chunked = tf.valueAndGrads((h, u) => {
    const terms = { divergence, sumSquares };
    const options = { temperature: TEMPERATURE, reference, chunkTokens };
    const values = distributionTerms({ hidden: h, unembedding: u }, terms, options);
    return total(values.divergence, values.sumSquares);
  })([hidden, unembedding]);
  expectClose(chunked.value.dataSync(), plain.value.dataSync(), { rtol: 1e-5 });
  plain.grads.forEach((gradient, i) => expectClose(chunked.grads[i]!.dataSync(), gradient.dataSync(), { rtol: 1e-4, atol: 1e-6 }));
});

/** The sum over the masked tokens of one term; its value as the metric. */
const sumOf = (distribution: DistributionTerms): TokenLoss<"mask", "total"> => ({
  inputs: { mask: "token" },
  distribution,
  metrics: { total: "sum" },
  evaluate({ distribution: terms, inputs: { mask } }) {
    const isToken = tf.greater(mask, 0);
    const term = Object.values(terms!)[0]!;
    const loss = tf.sum(tf.where(isToken, term, tf.zerosLike(term))) as tf.Scalar;
    return { loss, metrics: { total: loss } };
  },
});

const SEQUENCES = [Int32Array.of(3, 17, 5, 40, 2, 9), Int32Array.of(8, 1, 30), Int32Array.of(22, 4, 4, 7)];
const TIME = 8;
const grid = <Values extends Int32Array | Float32Array>(out: Values, fill: (sequence: number) => ArrayLike<number>): Values => {
  SEQUENCES.forEach((_, row) => out.set(fill(row), row * TIME));
  return out;
};
const batch: MicroBatch<"mask"> = {
  rows: 3,
  time: TIME,
  inputIds: grid(new Int32Array(3 * TIME), (row) => SEQUENCES[row]!),
  inputs: { mask: grid(new Float32Array(3 * TIME), (row) => SEQUENCES[row]!.map((_, t) => (t === 0 ? 0 : 1))) },
};

describe.each(ENGINES)("in a trainer on %s", (choice) => {
  test("a divergence from a reference is that of the two models' distributions, packed or not; from itself it is 0, and so is its gradient", async () => {
    const { engine, model } = await openTinyModel(choice);
    const optimizer = { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1 } as const;
    const reference = await loadLanguageModel(engine, TINY_QWEN2, { name: "reference" });
    const trainer = await createTrainer(model, { loss: sumOf({ divergence }), reference, temperature: TEMPERATURE, optimizer });
    expectClose([(await trainer.accumulate(batch)).total], [0], { atol: 1e-5 });
    expect((await trainer.apply(0)).gradNorm).toBeLessThan(1e-3);

    const [embedding] = reference.parameters;
    const values = (await engine.read(embedding!.variable)) as Float32Array;
    await writeVariables(engine, [embedding!], (out) => values.forEach((value, i) => (out[i] = value * (1 + 0.3 * Math.sin(i)))));
    const options = { temperature: TEMPERATURE };
    const vocabulary = model.config.vocabSize;
    const all = async (of: typeof model) => await topLogProbs(of, SEQUENCES, { ...options, k: vocabulary });
    const [own, others] = [await all(model), await all(reference)];
    let expected = 0;
    SEQUENCES.forEach((ids, row) => {
      for (let t = 1; t < ids.length; t++) {
        const at = (list: typeof own) =>
          new Map(
            Array.from({ length: vocabulary }, (_, i) => [list[row]!.ids[t * vocabulary + i]!, list[row]!.logProbs[t * vocabulary + i]!]),
          );
        const [p, q] = [at(own), at(others)];
        for (const [token, logProb] of p) expected += Math.exp(logProb) * (logProb - q.get(token)!);
      }
    });
    expect(expected).toBeGreaterThan(0.1);
    expectClose([(await trainer.accumulate(batch)).total], [expected], { rtol: 1e-4 });
    const { gradNorm } = await trainer.apply(0);
    const starts = [0, 6, 9];
    const packing = { rows: 1, time: 16, places: SEQUENCES.map(({ length }, i) => ({ row: 0, start: starts[i]!, length })) };
    expectClose([(await trainer.accumulate({ ...batch, packing })).total], [expected], { rtol: 1e-4 });
    expectClose([(await trainer.apply(0)).gradNorm], [gradNorm], { rtol: 1e-3 });
    expect(gradNorm).toBeGreaterThan(0.01);

    const scores = await score(model, SEQUENCES, { ...options, distribution: { sumSquares } });
    const plain = await score(model, SEQUENCES, options);
    SEQUENCES.forEach((ids, row) => {
      expectClose(scores[row]!.logProbs, plain[row]!.logProbs, { atol: 1e-6 });
      const squares = Array.from(ids, (_, t) =>
        t === 0
          ? 0
          : Array.from({ length: vocabulary }, (_, i) => Math.exp(2 * own[row]!.logProbs[t * vocabulary + i]!)).reduce((a, b) => a + b, 0),
      );
      expectClose(scores[row]!.distribution!["sumSquares"]!, squares, { rtol: 1e-4, atol: 1e-7 });
    });
    await engine.close();
  });
});
