// Qwen2 against transformers and PyTorch: log-probabilities, entropies, every gradient, one AdamW step.
// Expected values: fixtures/tiny-qwen2, made by transformers 5.23.0 (eager attention, float32) and torch 2.15.0.
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { adamWUpdate, attention, clipByGlobalNorm, packedCausalBias, tokenLogProbs } from "@longcot/tensor-kernels";
import { expectClose } from "@longcot/vitest-config/close-to";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readJsonFile } from "../files/json-file.ts";
import type { ModelConfig } from "../files/model-config.ts";
import { readModelDirectory } from "../files/model-directory.ts";
import { openSafetensors, type TensorFile } from "../files/safetensors.ts";
import type { Parameter, Weights } from "./architecture.ts";
import { initializeInto, partsOfParameter, readParameterInto } from "./parameter-layout.ts";
import { qwen2 } from "./qwen2.ts";
import { makeTemporaryFolder } from "../../fixtures/temporary-folder.ts";
import { writeSafetensors } from "../files/write-safetensors.ts";

const FIXTURE = fileURLToPath(new URL("../../fixtures/tiny-qwen2", import.meta.url));

/** The part of expected.json that describes the training step. */
interface TrainFacts {
  loss: number;
  label_tokens: number;
  grad_norm: number;
  adamw: {
    lr: number;
    betas: [number, number];
    eps: number;
    weight_decay: number;
    decayed: string[];
    clip: number;
  };
}

let config: ModelConfig;
let parameters: Parameter[];
let weights: Weights;
let expected: TensorFile;
let train: TrainFacts;
let batch: number;
let time: number;

/** The expected tensor `name`, which is int32. */
async function readIntegers(name: string): Promise<Int32Array> {
  const values = await expected.read(name);
  if (!(values instanceof Int32Array)) throw new TypeError(`${name} is not int32`);
  return values;
}

/** The same as a `[batch, time] int32` tensor. */
async function readIds(name: string): Promise<tf.Tensor> {
  return tf.tensor2d(await readIntegers(name), [batch, time], "int32");
}

/** Log-probabilities of the next token and entropies at every position, `[batch · time]`; the last position's target is itself. */
function nextTokens(active: Weights, inputIds: tf.Tensor, attentionMask: tf.Tensor, temperature: number, chunkTokens?: number) {
  const positions = tf.tile(
    tf.tensor2d(
      Int32Array.from({ length: time }, (_, t) => t),
      [1, time],
      "int32",
    ),
    [batch, 1],
  );
  const bias = packedCausalBias(attentionMask);
  const hidden = qwen2.forward({
    config,
    weights: active,
    inputIds,
    positions,
    attend: (_, parts) => attention({ ...parts, bias }),
  });
  const shifted = tf.concat([tf.slice(inputIds, [0, 1], [batch, time - 1]), tf.slice(inputIds, [0, time - 1], [batch, 1])], 1);
  const targets = tf.reshape(shifted, [batch * time]);
  return tokenLogProbs({
    hidden,
    unembedding: qwen2.unembedding(active),
    targets,
    temperature,
    ...(chunkTokens === undefined ? {} : { chunkTokens }),
  });
}

/** Loss and gradients of the token-mean loss over the labelled tokens. */
async function lossAndGradients(chunkTokens?: number): Promise<{ loss: tf.Scalar; gradients: tf.Tensor[] }> {
  const [ids, mask] = [await readIds("train.input_ids"), await readIds("train.attention_mask")] as const;
  const labels = await readIntegers("train.labels");
  // the label at position t is predicted at t − 1
  const weightOfToken = Float32Array.from(labels, (_, i) => (i % time < time - 1 && labels[i + 1] !== -100 ? 1 / train.label_tokens : 0));
  const names = parameters.map(({ name }) => name);
  const { value, grads } = tf.valueAndGrads((...tensors: tf.Tensor[]) => {
    const active = Object.fromEntries(names.map((name, i) => [name, tensors[i]!]));
    return tf.neg(tf.sum(tf.mul(nextTokens(active, ids, mask, 1, chunkTokens).logProbs, tf.tensor1d(weightOfToken)))) as tf.Scalar;
  })(names.map((name) => weights[name]!));
  return { loss: value as tf.Scalar, gradients: grads };
}

/** Memory for the values of a parameter. */
function valuesFor({ shape }: Parameter): Float32Array {
  return new Float32Array(shape.reduce((a, b) => a * b, 1));
}

/** The checkpoint tensors that `values` of a parameter hold, by their name there. */
function inCheckpoint(parameter: Parameter, values: tf.Tensor) {
  return partsOfParameter(parameter, values.dataSync() as Float32Array);
}

beforeAll(async () => {
  await tf.setBackend("cpu");
  const directory = await readModelDirectory(FIXTURE);
  config = directory.config;
  parameters = qwen2.parameters(config, "language");
  const entries: [string, tf.Tensor][] = [];
  for (const parameter of parameters) {
    const values = valuesFor(parameter);
    await readParameterInto(values, parameter, directory.checkpoint);
    entries.push([parameter.name, tf.tensor(values, [...parameter.shape])]);
  }
  weights = Object.fromEntries(entries);
  await directory.checkpoint.close();
  expected = await openSafetensors(`${FIXTURE}/expected.safetensors`);
  const json = await readJsonFile(`${FIXTURE}/expected.json`);
  train = json["train"] as TrainFacts;
  [batch, time] = expected.tensors.get("batch.input_ids")!.shape as [number, number];
});
afterAll(() => expected.close());

describe("forward", () => {
  it.each([1, 0.6])("log-probabilities and entropies at temperature %f", async (temperature) => {
    const { logProbs, entropies } = nextTokens(
      weights,
      await readIds("batch.input_ids"),
      await readIds("batch.attention_mask"),
      temperature,
    );
    const nextMask = await readIntegers("batch.next_mask");
    const mask = await readIntegers("batch.attention_mask");
    const label = `t${temperature.toFixed(1)}`;
    const expectedLogProbs = await expected.readFloat32(`batch.logprobs_${label}`);
    const expectedEntropies = await expected.readFloat32(`batch.entropy_${label}`);
    const ours = logProbs.dataSync();
    // the fixture's rows are one shorter: nothing follows the last position
    const followed = Array.from(nextMask, (_, i) => i).filter((i) => nextMask[i] === 1);
    expectClose(
      followed.map((i) => ours[Math.floor(i / (time - 1)) * time + (i % (time - 1))]!),
      followed.map((i) => expectedLogProbs[i]!),
      { atol: 1e-4 },
      "log-probabilities",
    );
    const real = Array.from(mask, (_, i) => i).filter((i) => mask[i] === 1);
    const entropyValues = entropies.dataSync();
    expectClose(
      real.map((i) => entropyValues[i]!),
      real.map((i) => expectedEntropies[i]!),
      { atol: 1e-4 },
      "entropies",
    );
    expect(followed.length).toBe(75);
    expect(real.length).toBe(78);
  });
});

describe("training step", () => {
  it.each([undefined, 32])("loss and every gradient, chunkTokens %s", async (chunkTokens) => {
    const { loss, gradients } = await lossAndGradients(chunkTokens);
    expectClose(loss.dataSync(), [train.loss], { rtol: 1e-5 }, "loss");
    const seen = new Set<string>();
    for (const [i, parameter] of parameters.entries()) {
      for (const { tensor, values } of inCheckpoint(parameter, gradients[i]!)) {
        expectClose(values, await expected.readFloat32(`grad.${tensor}`), { atol: 5e-6, rtol: 1e-4 }, `grad.${tensor}`);
        seen.add(`grad.${tensor}`);
      }
    }
    expect([...seen].toSorted()).toEqual([...expected.tensors.keys()].filter((name) => name.startsWith("grad.")).toSorted());
  });

  it("clipped AdamW step", async () => {
    const { gradients } = await lossAndGradients();
    const { lr, betas, eps, weight_decay, clip, decayed } = train.adamw;
    const clipped = clipByGlobalNorm(gradients, clip);
    expectClose(clipped.norm.dataSync(), [train.grad_norm], { rtol: 1e-4 }, "norm");
    for (const [i, parameter] of parameters.entries()) {
      const before = weights[parameter.name]!;
      const after = adamWUpdate({
        parameter: before,
        gradient: clipped.gradients[i]!,
        firstMoment: tf.zerosLike(before),
        secondMoment: tf.zerosLike(before),
        step: tf.scalar(1),
        learningRate: tf.scalar(lr),
        beta1: betas[0],
        beta2: betas[1],
        epsilon: eps,
        weightDecay: parameter.decayed ? weight_decay : 0,
      }).parameter;
      const gradientParts = inCheckpoint(parameter, clipped.gradients[i]!);
      for (const [j, { tensor, values }] of inCheckpoint(parameter, after).entries()) {
        expect({ tensor, decayed: decayed.includes(tensor) }).toEqual({
          tensor,
          decayed: parameter.decayed,
        });
        const expectedValues = await expected.readFloat32(`adamw1.${tensor}`);
        // below 1e-6 the gradient is rounding noise, and the first step is lr · sign(gradient)
        const isNoise = Array.from(gradientParts[j]!.values, (gradient) => Math.abs(gradient) <= 1e-6);
        const pick = (array: Float32Array, noise: boolean) => array.filter((_, k) => isNoise[k] === noise);
        expectClose(pick(values, false), pick(expectedValues, false), { atol: 1e-5 }, `adamw1.${tensor}`);
        expectClose(pick(values, true), pick(expectedValues, true), { atol: 2.1e-3 }, `adamw1.${tensor}, noise`);
      }
    }
  });
});

describe("parameters", () => {
  it("hold every tensor of the checkpoint once, and give it back", async () => {
    const { checkpoint } = await readModelDirectory(FIXTURE);
    const back = parameters.flatMap((parameter) => inCheckpoint(parameter, weights[parameter.name]!));
    expect(back.map(({ tensor }) => tensor).toSorted()).toEqual([...checkpoint.tensors.keys()].toSorted());
    for (const { tensor, shape, values } of back) {
      expect({ tensor, shape, values }).toEqual({
        tensor,
        shape: checkpoint.tensors.get(tensor)!.shape,
        values: await checkpoint.readFloat32(tensor),
      });
    }
    await checkpoint.close();
  });

  it("set q, k and v side by side, transposed", async () => {
    const qkv: Parameter = {
      name: "qkv",
      shape: [2, 3],
      decayed: true,
      initial: "normal",
      layout: "columns",
      parts: [
        { tensor: "q", shape: [2, 2] },
        { tensor: "k", shape: [1, 2] },
      ],
    };
    const path = `${makeTemporaryFolder()}/parts.safetensors`;
    await writeSafetensors(path, [
      { name: "q", shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) },
      { name: "k", shape: [1, 2], data: Float32Array.of(5, 6) },
    ]);
    const file = await openSafetensors(path);
    const values = valuesFor(qkv);
    await readParameterInto(values, qkv, file);
    await file.close();
    expect([...values]).toEqual([1, 3, 5, 2, 4, 6]);
  });

  it("larger than a tile and a part of the stream come through both ways", async () => {
    const [outSizes, inSize] = [[1000, 70], 3001];
    const stored = outSizes.map((outSize, part) => ({
      name: `part.${part}`,
      shape: [outSize, inSize],
      data: Float32Array.from({ length: outSize * inSize }, (_, i) => i + part / 4),
    }));
    const path = `${makeTemporaryFolder()}/large.safetensors`;
    await writeSafetensors(path, stored);
    const parameter: Parameter = {
      name: "large",
      shape: [inSize, 1070],
      decayed: true,
      initial: "normal",
      layout: "columns",
      parts: stored.map(({ name, shape }) => ({ tensor: name, shape })),
    };
    const file = await openSafetensors(path);
    const values = valuesFor(parameter);
    await readParameterInto(values, parameter, file);
    await file.close();
    expect([values[0], values[1], values[1070], values[999], values[1000], values[1070 + 1001]]).toEqual([
      0,
      inSize,
      1,
      999 * inSize,
      0.25,
      inSize + 1.25,
    ]);
    for (const [part, { values: back }] of partsOfParameter(parameter, values).entries())
      expect(Buffer.compare(Buffer.from(back.buffer), Buffer.from(stored[part]!.data.buffer))).toBe(0);
  });

  it("start as the config says: normal matrices, ones, zeros", () => {
    const initial = (parameter: Parameter) => {
      const values = valuesFor(parameter);
      initializeInto(values, parameter, { seed: 3, standardDeviation: 0.02 });
      return values;
    };
    const matrices = parameters.filter((parameter) => parameter.initial === "normal");
    for (const values of matrices.map(initial)) {
      const deviation = Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
      // five standard errors of a standard deviation: 5·σ/√(2n)
      expect(Math.abs(deviation - 0.02)).toBeLessThan((5 * 0.02) / Math.sqrt(2 * values.length));
    }
    const vectors = parameters.filter((parameter) => parameter.initial !== "normal");
    for (const parameter of vectors) {
      expect({ name: parameter.name, values: [...new Set(initial(parameter))] }).toEqual({
        name: parameter.name,
        values: [parameter.name.endsWith("bias") ? 0 : 1],
      });
    }
    expect([matrices.length, vectors.length]).toEqual([1 + 2 * 4, 1 + 2 * 3]);
  });
});
