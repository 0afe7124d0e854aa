// The trainer against PyTorch's gradients and AdamW, in one micro-batch and in several; its state through a file; what it refuses.

import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { expectClose } from "@longcot/vitest-config/close-to";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openSafetensors } from "../files/safetensors.ts";
import { writeSafetensors } from "../files/write-safetensors.ts";
import { partsOfParameter } from "../architectures/parameter-layout.ts";
import { restoreWeights } from "../model/language-model.ts";
import type { LanguageModel } from "../model/language-model.ts";
import { ENGINES, openTinyModel, TINY_QWEN2 } from "../testing/engines.ts";
import { planBatches } from "../score/batches.ts";
import { crossEntropyLoss } from "./token-loss.ts";
import { createTrainer } from "./trainer.ts";
import type { MicroBatch } from "./trainer.ts";

interface Expected {
  train: {
    grad_norm: number;
    losses_before_each_of_5_steps: number[];
    grad_norms_of_5_steps: number[];
    adamw: { lr: number; betas: [number, number]; eps: number; weight_decay: number };
  };
}
const { train: expected } = JSON.parse(readFileSync(join(TINY_QWEN2, "expected.json"), "utf8")) as Expected;
const [ROWS, TIME] = [3, 40];
/** As the fixture was made: torch.optim.AdamW, gradients clipped to norm 1. */
const { lr, betas, eps, weight_decay } = expected.adamw;
const OPTIMIZER = { betas, epsilon: eps, weightDecay: weight_decay, maxGradNorm: 1 };

let batch: MicroBatch<"mask" | "denominator">;
let stepOne: Map<string, Float32Array>;
let gradientNorms: Map<string, Float32Array>;
beforeAll(async () => {
  const file = await openSafetensors(join(TINY_QWEN2, "expected.safetensors"));
  const ids = (await file.read("train.input_ids")) as Int32Array;
  const labels = (await file.read("train.labels")) as Int32Array;
  const mask = Float32Array.from(labels, (label, i) => (label !== -100 && i % TIME !== 0 ? 1 : 0));
  batch = {
    rows: ROWS,
    time: TIME,
    inputIds: ids.slice(),
    inputs: { mask, denominator: Float32Array.of(mask.reduce((a, b) => a + b, 0)) },
  };
  const named = async (prefix: string) => {
    const tensors = [...file.tensors.keys()].filter((name) => name.startsWith(prefix));
    return new Map(await Promise.all(tensors.map(async (name) => [name.slice(prefix.length), await file.readFloat32(name)] as const)));
  };
  stepOne = await named("adamw1.");
  gradientNorms = await named("grad.");
  await file.close();
});

/** The rows `from` to `to` of the batch. */
function rowsOf(from: number, to: number): MicroBatch<"mask" | "denominator"> {
  return {
    rows: to - from,
    time: TIME,
    inputIds: batch.inputIds.slice(from * TIME, to * TIME),
    inputs: { mask: batch.inputs.mask.slice(from * TIME, to * TIME), denominator: batch.inputs.denominator },
  };
}

describe.each(ENGINES)("trainer on %s", (choice) => {
  let model: LanguageModel;
  let close: () => Promise<void>;
  beforeAll(async () => {
    const opened = await openTinyModel(choice);
    model = opened.model;
    close = () => opened.engine.close();
  });
  afterAll(() => close());

  const weights = async (): Promise<Map<string, Float32Array>> => {
    const all = await Promise.all(
      model.parameters.map(async (parameter) => partsOfParameter(parameter, (await model.engine.read(parameter.variable)) as Float32Array)),
    );
    return new Map(all.flat().map(({ tensor, values }) => [tensor, values]));
  };
  beforeEach(() => restoreWeights(model, TINY_QWEN2));

  test("gradient norm, first AdamW step and the losses of five steps are PyTorch's", async () => {
    const trainer = await createTrainer(model, { loss: crossEntropyLoss, optimizer: OPTIMIZER });
    const losses = [(await trainer.accumulate(batch)).loss];
    const norms = [(await trainer.apply(lr)).gradNorm];
    const norm = Math.sqrt([...gradientNorms.values()].reduce((sum, values) => sum + values.reduce((a, g) => a + g * g, 0), 0));
    expectClose([norms[0]!], [norm], { rtol: 1e-4 }, "gradient norm");
    const clip = Math.min(1, 1 / (norm + 1e-6));
    const after = await weights();
    for (const [name, values] of stepOne) {
      const gradient = gradientNorms.get(name)!;
      const actual = after.get(name)!;
      const firm = [...values.keys()].filter((i) => Math.abs(gradient[i]! * clip) > 1e-6);
      expectClose(
        firm.map((i) => actual[i]!),
        firm.map((i) => values[i]!),
        { atol: 1e-5 },
        name,
      );
      expectClose(actual, values, { atol: 2.1e-3 }, `${name}, noise included`);
    }
    for (let step = 2; step <= 5; step++) {
      losses.push((await trainer.accumulate(batch)).loss);
      norms.push((await trainer.apply(lr)).gradNorm);
    }
    expectClose(losses, expected.losses_before_each_of_5_steps, { rtol: 1e-3 }, "losses");
    expectClose(norms, expected.grad_norms_of_5_steps, { rtol: 5e-3 }, "gradient norms");
    await trainer.close();
  });

  test("gradient checkpointing changes no number", async () => {
    const steps = async (gradientCheckpointing: boolean): Promise<number[]> => {
      await restoreWeights(model, TINY_QWEN2);
      const trainer = await createTrainer(model, { loss: crossEntropyLoss, optimizer: OPTIMIZER, gradientCheckpointing });
      const numbers: number[] = [];
      for (let step = 0; step < 2; step++) {
        numbers.push((await trainer.accumulate(batch)).loss);
        numbers.push((await trainer.apply(lr)).gradNorm);
      }
      await trainer.close();
      return numbers;
    };
    expectClose(await steps(true), await steps(false), { rtol: 1e-6 }, "losses and gradient norms");
  });

  test("packed rows give the loss and the gradient norm of a sequence to a row", async () => {
    const lengths = [37, 5, 14, 21, 9, 2];
    const { rows, time, indices, packing } = planBatches(lengths, { batchTokens: 4096, most: 2048 })[0]!;
    expect(packing!.rows).toBeLessThan(lengths.length / 2);
    const inputIds = new Int32Array(rows * time);
    const mask = new Float32Array(rows * time);
    indices.forEach((index, row) => {
      for (let t = 0; t < lengths[index]!; t++) inputIds[row * time + t] = (t * 17 + index * 5 + 3) % model.config.vocabSize;
      mask.fill(1, row * time + 1, row * time + lengths[index]!);
    });
    const inputs = { mask, denominator: Float32Array.of(mask.reduce((a, b) => a + b, 0)) };
    const results: number[][] = [];
    for (const batchPacking of [undefined, packing])
      for (const gradientCheckpointing of [false, true]) {
        await restoreWeights(model, TINY_QWEN2);
        const trainer = await createTrainer(model, { loss: crossEntropyLoss, optimizer: OPTIMIZER, gradientCheckpointing });
        const { loss } = await trainer.accumulate({ rows, time, inputIds, inputs, packing: batchPacking });
        results.push([loss, (await trainer.apply(lr)).gradNorm]);
        await trainer.close();
      }
    for (const result of results.slice(1)) expectClose(result, results[0]!, { atol: 1e-5, rtol: 1e-5 });
  });

  test("one, two and three micro-batches give the same weights", async () => {
    const results: Map<string, Float32Array>[] = [];
    for (const cuts of [
      [0, 3],
      [0, 1, 3],
      [0, 1, 2, 3],
    ]) {
      const trainer = await createTrainer(model, { loss: crossEntropyLoss, optimizer: { ...OPTIMIZER, epsilon: 1e-3 } });
      let loss = 0;
      for (const [i, to] of cuts.slice(1).entries()) loss += (await trainer.accumulate(rowsOf(cuts[i]!, to))).loss;
      expect(loss).toBeGreaterThan(0);
      await trainer.apply(1e-3);
      results.push(await weights());
      await trainer.close();
      await restoreWeights(model, TINY_QWEN2);
    }
    for (const other of results.slice(1))
      for (const [name, values] of results[0]!) expectClose(other.get(name)!, values, { atol: 2e-6 }, name);
  });

  test("goes on from its saved state as if it had not stopped", async () => {
    const folder = await mkdtemp(join(tmpdir(), "longcot-trainer-"));
    const first = await createTrainer(model, { loss: crossEntropyLoss, optimizer: OPTIMIZER });
    const steps = async (trainer: typeof first, count: number) => {
      const losses: number[] = [];
      for (let i = 0; i < count; i++) {
        losses.push((await trainer.accumulate(batch)).loss);
        await trainer.apply(1e-3);
      }
      return losses;
    };
    await steps(first, 2);
    await writeSafetensors(join(folder, "optimizer.safetensors"), first.stateTensors());
    const saved = await Promise.all(model.parameters.map(({ variable }) => model.engine.read(variable)));
    const unbroken = await steps(first, 3);
    await first.close();

    for (const [i, { variable }] of model.parameters.entries()) await model.engine.write(variable, saved[i]!);
    const second = await createTrainer(model, { loss: crossEntropyLoss, optimizer: OPTIMIZER });
    const file = await openSafetensors(join(folder, "optimizer.safetensors"));
    await second.restore(file, 2);
    await file.close();
    expect(second.updates).toBe(2);
    expect(await steps(second, 3)).toEqual(unbroken);
    await second.close();
    await rm(folder, { recursive: true });
  });

  test("a gradient that is not finite leaves the weights alone", async () => {
    const trainer = await createTrainer(model, {
      loss: {
        ...crossEntropyLoss,
        evaluate: (tensors) => ({
          ...crossEntropyLoss.evaluate(tensors),
          loss: tf.mul(crossEntropyLoss.evaluate(tensors).loss, Infinity) as tf.Scalar,
        }),
      },
      optimizer: OPTIMIZER,
    });
    const before = await weights();
    await trainer.accumulate(batch);
    await expect(trainer.apply(1e-3)).rejects.toThrow(/gradient norm must be finite/);
    expect(await weights()).toEqual(before);
    await expect(trainer.apply(1e-3)).rejects.toThrow(/gradients of at least one micro-batch/);
    await trainer.close();
  });
});
