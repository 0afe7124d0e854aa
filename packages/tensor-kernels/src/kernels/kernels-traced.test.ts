// Every kernel case traced into a TensorFlow graph, gradients included. Skipped where libtensorflow is not installed.
import * as tf from "@tensorflow/tfjs-core";
import { locateLibtensorflow } from "@longcot/libtensorflow";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectClose } from "@longcot/vitest-config/close-to";
import type { Engine } from "../engine/engine.ts";
import { openEngine } from "../engine/open-engine.ts";
import { orderAfter } from "../engine/graph-ops.ts";
import { embed } from "./embedding.ts";
import { tokenLogProbs } from "./token-log-probs.ts";
import { GRADIENT_TOLERANCE, kernelPrograms, normalInput } from "./testing/kernel-case.ts";
import { kernelCases } from "./testing/kernel-cases.ts";

describe.skipIf(locateLibtensorflow() === undefined)("kernels traced into TensorFlow", () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine({ engine: "tensorflow", threads: 2 });
  });
  afterAll(() => engine.close());

  it.each(kernelCases.flatMap(kernelPrograms))("$name", async ({ name, inputs, run, expected, tolerance }) => {
    const specs = Object.fromEntries(inputs.map(({ shape, dtype }, index) => [`input${index}`, { shape, dtype }]));
    const compiled = engine.compile(name.replaceAll(/\W+/g, "_"), specs, (tensors) =>
      Object.fromEntries(run(inputs.map((_, index) => tensors[`input${index}`]!)).map((output, index) => [`output${index}`, output])),
    );
    const outputs = await compiled(Object.fromEntries(inputs.map(({ values }, index) => [`input${index}`, values])));
    expect(Object.keys(outputs)).toHaveLength(expected.length);
    expected.forEach((values, index) => expectClose(outputs[`output${index}`]!, values, tolerance, `output ${index}`));
  });

  it("tokenLogProbs in ordered chunks equals one chunk, gradients too", async () => {
    const [hidden, unembedding] = [normalInput("hidden", [7, 6]), normalInput("unembedding", [11, 6])];
    const compiled = engine.compile(
      "ordered_chunks",
      { hidden: { shape: [7, 6], dtype: "float32" }, unembedding: { shape: [11, 6], dtype: "float32" } },
      (tensors) => {
        const targets = tf.tensor1d([4, 0, 10, 10, 3, 7, 2], "int32");
        const gradients = (chunkTokens: number) =>
          tf.grads((h, u) => {
            const { logProbs, entropies } = tokenLogProbs({
              hidden: h,
              unembedding: u,
              targets,
              temperature: 0.6,
              chunkTokens,
              orderAfter,
            });
            return tf.add(tf.sum(logProbs), tf.sum(tf.square(entropies)));
          })([tensors.hidden, tensors.unembedding]);
        const [wholeHidden, wholeUnembedding] = gradients(7) as [tf.Tensor, tf.Tensor];
        const [chunkedHidden, chunkedUnembedding] = gradients(2) as [tf.Tensor, tf.Tensor];
        return { wholeHidden, wholeUnembedding, chunkedHidden, chunkedUnembedding };
      },
    );
    const { wholeHidden, wholeUnembedding, chunkedHidden, chunkedUnembedding } = await compiled({
      hidden: hidden.values,
      unembedding: unembedding.values,
    });
    expectClose(chunkedHidden, wholeHidden, GRADIENT_TOLERANCE, "hidden");
    expectClose(chunkedUnembedding, wholeUnembedding, GRADIENT_TOLERANCE, "unembedding");
  });

  it("through XLA, rows of a table too large for one product are summed in several", async () => {
    const xla = await openEngine({ engine: "tensorflow", threads: 2, xla: true });
    const [rows, count] = [1_400_000, 100];
    const inputs = { places: { shape: [count], dtype: "int32" }, values: { shape: [count, 1], dtype: "float32" } } as const;
    const sum = xla.compile("sum", inputs, ({ places, values }) => ({
      table: tf.grad((table: tf.Tensor) => embed(table, places))(tf.fill([rows, 1], 0), values),
    }));
    const places = Int32Array.from({ length: count }, (_, i) => (i % 2 === 0 ? rows - 1 : i));
    const { table } = await sum({ places, values: new Float32Array(count).fill(1) });
    expect(table[rows - 1]).toBe(50);
    expect(table[99]).toBe(1);
    expect((table as Float32Array).reduce((a, b) => a + b, 0)).toBe(count);
    await xla.close();
  });
});
