// Scalar heads against transformers' sequence classifiers: numbers of every token, scores, pair loss, every gradient; saved and loaded both ways; a shared
// backbone. Expected values: fixtures/make_scalar_heads.py (transformers 5.24.0, torch 2.15.0, eager attention, float32).
// What is written is also loaded by the real transformers, where a Python has it: LONGCOT_PYTHON, or python3.
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { openEngine } from "@longcot/tensor-kernels";
import type { Engine } from "@longcot/tensor-kernels";
import { expectClose } from "@longcot/vitest-config/close-to";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makeTemporaryFolder } from "../../fixtures/temporary-folder.ts";
import { partsOfParameter } from "../architectures/parameter-layout.ts";
import { readJsonFile } from "../files/json-file.ts";
import { openSafetensors } from "../files/safetensors.ts";
import { writeSafetensors } from "../files/write-safetensors.ts";
import { planGroupedBatches } from "../score/batches.ts";
import { lastScoredToken, sequenceScores, tokenScalars } from "../score/scalars.ts";
import { score } from "../score/score.ts";
import { lastTokenScores, valuesBeforeTokens } from "../score/sequence-scalars.ts";
import { ENGINES } from "../testing/engines.ts";
import { createActorCriticTrainer, createScalarTrainer } from "../train/scalar-trainer.ts";
import type { ScalarLoss } from "../train/scalar-trainer.ts";
import { createTrainer } from "../train/trainer.ts";
import { crossEntropyLoss } from "../train/token-loss.ts";
import { loadLanguageModel, restoreWeights } from "./language-model.ts";
import type { EngineModel } from "./model.ts";
import { attachValueHead, createScalarModel, loadScalarModel, restoreValueHead, valueHeadTensors } from "./scalar-model.ts";
import { saveScalarModel } from "./save-model.ts";

interface Expected {
  pad_token_id: number;
  sequences: { ids: number[]; scalars: number[]; score: number }[];
  loss: number;
  grad_norms: Record<string, number>;
}

const FOLDERS = ["tiny-qwen2-sharded", "tiny-qwen3", "tiny-llama3", "tiny-mistral"];
const fixture = (name: string): string => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url));
const scalarFixture = (name: string): string => fixture(`scalar-heads/${name}`);
const expectedOf = async (name: string): Promise<Expected> =>
  (await readJsonFile(join(scalarFixture(name), "expected.json"))) as unknown as Expected;
const OPTIMIZER = { betas: [0.9, 0.999] as const, epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1e9 };

/** −Σ log σ(s_chosen − s_rejected) · weight over rows in pairs. */
const pairLoss: ScalarLoss<"lastTokens" | "weights", "accuracy"> = {
  inputs: { lastTokens: "token", weights: "row" },
  metrics: { accuracy: "sum" },
  evaluate({ scores, inputs: { lastTokens, weights } }) {
    const pairs = (values: tf.Tensor): tf.Tensor[] => tf.unstack(tf.reshape(values, [-1, 2]), 1);
    const [chosen, rejected] = pairs(lastTokenScores(scores, lastTokens));
    const weight = pairs(weights)[0]!;
    const margins = tf.sub(chosen!, rejected!);
    const right = tf.cast(tf.greater(margins, 0), "float32");
    return {
      loss: tf.sum(tf.mul(tf.softplus(tf.neg(margins)), weight)) as tf.Scalar,
      metrics: { accuracy: tf.sum(tf.mul(right, weight)) as tf.Scalar },
    };
  },
};

/** The pairs of `sequences` in micro-batches, weighted so that their losses add up to the mean. */
function pairBatches(sequences: readonly Int32Array[], padTokenId: number, batchTokens: number) {
  const plan = planGroupedBatches(
    sequences.map(({ length }) => length),
    { groupSize: 2, batchTokens, most: 128 },
  );
  return plan.map(({ indices, rows, time, packing }) => {
    const inputIds = new Int32Array(rows * time);
    const lastTokens = new Float32Array(rows * time);
    const weights = new Float32Array(rows);
    for (const [row, index] of indices.entries()) {
      inputIds.set(sequences[index]!, row * time);
      lastTokens[row * time + lastScoredToken(sequences[index]!, padTokenId)] = 1;
      weights[row] = 2 / sequences.length;
    }
    return { rows, time, packing, inputIds, inputs: { lastTokens, weights } };
  });
}

/** Norms of the gradients that a trainer holds, by checkpoint tensor. Reads the trainer's own variables: they are named after the parameter. */
async function gradientNorms(model: EngineModel, before: Map<string, Float32Array>): Promise<Record<string, number>> {
  const norms: Record<string, number> = {};
  for (const parameter of model.trainable) {
    const after = (await model.engine.read(parameter.variable)) as Float32Array;
    const moved = after.map((value, i) => before.get(parameter.name)![i]! - value);
    for (const { tensor, values } of partsOfParameter(parameter, moved)) norms[tensor] = Math.hypot(...values);
  }
  return norms;
}

const copyOf = async (model: EngineModel): Promise<Map<string, Float32Array>> =>
  new Map(
    await Promise.all(
      model.trainable.map(
        async ({ name, variable }) => [name, Float32Array.from((await model.engine.read(variable)) as Float32Array)] as const,
      ),
    ),
  );

describe.each(ENGINES)("on %s", (choice) => {
  let engine: Engine;
  // Of each test its own: an engine is slower to add to the more it holds.
  beforeEach(async () => {
    engine = await openEngine({ engine: choice, threads: 2 });
  });
  afterEach(() => engine.close());

  test.each(FOLDERS)("%s gives transformers' numbers, every token and the score", async (folder) => {
    const expected = await expectedOf(folder);
    const model = await loadScalarModel(engine, scalarFixture(folder));
    expect(model.config.padTokenId).toBe(expected.pad_token_id);
    const sequences = expected.sequences.map(({ ids }) => Int32Array.from(ids));
    for (const batchTokens of [4096, 48]) {
      const scalars = await tokenScalars(model, sequences, { batchTokens });
      scalars.forEach((values, i) => expectClose(values, expected.sequences[i]!.scalars, { atol: 1e-4 }, `sequence ${i}`));
      const scores = await sequenceScores(model, sequences, { batchTokens });
      expectClose(
        scores,
        expected.sequences.map((one) => one.score),
        { atol: 1e-4 },
        "scores",
      );
    }
  });

  // Once per architecture on the first engine; gradients on the others are the kernels' own tests.
  test.each(choice === ENGINES[0] ? FOLDERS : FOLDERS.slice(0, 1))(
    "%s: a pair loss and its gradients are PyTorch's, whole, packed, in micro-batches and checkpointed",
    async (folder) => {
      const expected = await expectedOf(folder);
      const sequences = expected.sequences.map(({ ids }) => Int32Array.from(ids));
      const norm = Math.hypot(...Object.values(expected.grad_norms));
      for (const [i, { batchTokens, gradientCheckpointing }] of [
        { batchTokens: 4096, gradientCheckpointing: false },
        { batchTokens: 64, gradientCheckpointing: true },
      ].entries()) {
        const model = await loadScalarModel(engine, scalarFixture(folder), { name: `pairs/${folder}/${i}` });
        const trainer = await createScalarTrainer(model, { loss: pairLoss, optimizer: OPTIMIZER, gradientCheckpointing });
        const batches = pairBatches(sequences, expected.pad_token_id, batchTokens);
        expect(batches).toHaveLength(i + 1);
        let loss = 0;
        for (const batch of batches) loss += (await trainer.accumulate(batch)).loss;
        expectClose([loss], [expected.loss], { rtol: 1e-5 }, "loss");
        const { gradNorm } = await trainer.apply(1e-3);
        expectClose([gradNorm], [norm], { rtol: 1e-4 }, "gradient norm");
        await trainer.close();
      }
    },
  );

  test("each weight's gradient is PyTorch's", async () => {
    const expected = await expectedOf("tiny-qwen3");
    const sequences = expected.sequences.map(({ ids }) => Int32Array.from(ids));
    const model = await loadScalarModel(engine, scalarFixture("tiny-qwen3"));
    const trainer = await createScalarTrainer(model, { loss: pairLoss, optimizer: { ...OPTIMIZER, betas: [0, 0], epsilon: 1e6 } });
    for (const batch of pairBatches(sequences, expected.pad_token_id, 4096)) await trainer.accumulate(batch);
    const before = await copyOf(model);
    // With β = 0 and a large ε AdamW's step is the gradient, times lr / ε.
    await trainer.apply(1e6);
    const norms = await gradientNorms(model, before);
    expect(Object.keys(norms).toSorted()).toEqual(Object.keys(expected.grad_norms).toSorted());
    for (const [tensor, theirs] of Object.entries(expected.grad_norms))
      expectClose([norms[tensor]!], [theirs], { rtol: 2e-3, atol: 2e-5 }, tensor);
    await trainer.close();
  });

  test("a new head: zero, or keyed; on a directory or on a model of the engine", async () => {
    const sequences = [Int32Array.of(5, 40, 7, 88, 61, 2), Int32Array.of(19, 33, 70)];
    const policy = await loadLanguageModel(engine, fixture("tiny-mistral"), { name: "policy" });
    const zero = await createScalarModel(engine, fixture("tiny-mistral"), { name: "zero", head: "zero" });
    for (const values of await tokenScalars(zero, sequences)) expect([...values].every((value) => value === 0)).toBe(true);
    const [fromFolder, fromModel, other] = [
      await createScalarModel(engine, fixture("tiny-mistral"), { name: "folder", head: { seed: 1 }, padTokenId: 3 }),
      await createScalarModel(engine, policy, { name: "model", head: { seed: 1 } }),
      await createScalarModel(engine, policy, { name: "other", head: { seed: 2 } }),
    ];
    const numbers = await tokenScalars(fromFolder, sequences);
    expect(numbers[0]!.some((value) => value !== 0)).toBe(true);
    expect(await tokenScalars(fromModel, sequences)).toEqual(numbers);
    expect(await tokenScalars(other, sequences)).not.toEqual(numbers);
    expect(fromFolder.config.padTokenId).toBe(3);
    expect(fromModel.parameters.map(({ name }) => name)).not.toContain("unembedding");
  });

  test.runIf(choice === ENGINES.at(-1))("a shared backbone: policy and values in one update are those of the parts", async () => {
    const policy = await loadLanguageModel(engine, fixture("tiny-qwen3"), { name: "shared" });
    const both = await attachValueHead(policy, { head: { seed: 4 } });
    const alone = await createScalarModel(engine, policy, { name: "alone", head: { seed: 4 } });
    const ids = Int32Array.from({ length: 24 }, (_, i) => (i * 31 + 7) % 90);
    const [shared, apart] = [await tokenScalars(both, [ids]), await tokenScalars(alone, [ids])];
    expectClose(shared[0]!, apart[0]!, { atol: 1e-6 }, "values");
    const mask = new Float32Array(24).fill(1, 1);
    const inputs = { mask, denominator: Float32Array.of(23), targets: Float32Array.from(ids, (_, i) => Math.sin(i)) };
    const squared = (scores: tf.Tensor2D, targets: tf.Tensor, weights: tf.Tensor, denominator: tf.Tensor): tf.Scalar =>
      tf.div(tf.sum(tf.mul(tf.square(tf.sub(valuesBeforeTokens(scores), targets)), weights)), denominator);
    const kinds = { mask: "token", denominator: "scalar", targets: "token" } as const;
    const joint = await createActorCriticTrainer(both, {
      loss: {
        inputs: kinds,
        metrics: { policy: "sum", value: "sum" },
        evaluate({ logProbs, entropies, scores, inputs: seen }) {
          const policyLoss = crossEntropyLoss.evaluate({ logProbs, entropies, inputs: seen }).loss;
          const value = squared(scores, seen.targets, seen.mask, seen.denominator);
          return { loss: tf.add(policyLoss, value), metrics: { policy: policyLoss, value } };
        },
      },
      optimizer: OPTIMIZER,
    });
    const critic = await createScalarTrainer(alone, {
      loss: {
        inputs: kinds,
        metrics: {},
        evaluate: ({ scores, inputs: seen }) => ({ loss: squared(scores, seen.targets, seen.mask, seen.denominator), metrics: {} }),
      },
      optimizer: OPTIMIZER,
    });
    const actor = await createTrainer(policy, { loss: crossEntropyLoss, optimizer: OPTIMIZER });
    const batch = { rows: 1, time: 24, inputIds: ids, inputs };
    const parts = await joint.accumulate(batch);
    expectClose([parts.policy], [(await actor.accumulate(batch)).loss], { rtol: 1e-6 }, "policy loss");
    expectClose([parts.value], [(await critic.accumulate(batch)).loss], { rtol: 1e-6 }, "value loss");
    expectClose([parts.loss], [parts.policy + parts.value], { rtol: 1e-6 }, "sum");

    const folder = makeTemporaryFolder();
    await writeSafetensors(join(folder, "value_head.safetensors"), valueHeadTensors(both));
    await joint.apply(1e-2);
    expect(await tokenScalars(both, [ids])).not.toEqual(shared);
    const changed = await score(policy, [ids], { temperature: 1 });
    await restoreWeights(policy, fixture("tiny-qwen3"));
    expect(await score(policy, [ids], { temperature: 1 })).not.toEqual(changed);
    const file = await openSafetensors(join(folder, "value_head.safetensors"));
    await restoreValueHead(both, file);
    await file.close();
    expect(await tokenScalars(both, [ids])).toEqual(shared);
    await Promise.all([joint.close(), critic.close(), actor.close()]);
  });

  test("the other head's directory is refused by name", async () => {
    await expect(loadLanguageModel(engine, scalarFixture("tiny-llama3"), { name: "refused" })).rejects.toThrow(
      /architectures must be \["LlamaForCausalLM"\], got \["LlamaForSequenceClassification"\]. This directory holds a scalar model/,
    );
    await expect(loadScalarModel(engine, fixture("tiny-llama3"), { name: "refused" })).rejects.toThrow(
      /architectures must be \["LlamaForSequenceClassification"\]/,
    );
  });
});

const PYTHON = process.env["LONGCOT_PYTHON"] ?? "python3";
const hasTransformers = spawnSync(PYTHON, ["-c", "import transformers"]).status === 0;
const unlessThere = hasTransformers ? "" : ` (skipped: ${PYTHON} cannot import transformers; set LONGCOT_PYTHON)`;
/** Reads folders and sequences on stdin, prints the scores of a padded batch. */
const SCRIPT = `
import json, sys, torch
from transformers import AutoModelForSequenceClassification
folders, sequences = json.load(sys.stdin)
for folder in folders:
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    assert model.config.num_labels == 1
    time = max(map(len, sequences))
    batch = torch.tensor([ids + [model.config.pad_token_id] * (time - len(ids)) for ids in sequences])
    mask = torch.tensor([[1] * len(ids) + [0] * (time - len(ids)) for ids in sequences])
    print(json.dumps(model(batch, attention_mask=mask).logits[:, 0].tolist()))
`;

test.skipIf(!hasTransformers)(
  `AutoModelForSequenceClassification gives the same scores with what is written${unlessThere}`,
  async () => {
    const engine = await openEngine({ engine: ENGINES.at(-1)!, threads: 2 });
    const sequences = [40, 7, 19].map((length, i) => Int32Array.from({ length }, (_, t) => 4 + ((t * 31 + i * 7) % 80)));
    const folders: string[] = [];
    const expected: Float32Array[] = [];
    for (const name of FOLDERS) {
      const loaded = await loadScalarModel(engine, scalarFixture(name), { name: `loaded/${name}` });
      const made = await createScalarModel(engine, fixture(name), { name: `made/${name}`, head: { seed: 5 }, padTokenId: 3 });
      for (const [kind, model] of [
        ["loaded", loaded],
        ["made", made],
      ] as const) {
        const folder = join(makeTemporaryFolder(), kind);
        await saveScalarModel(model, folder, { dtype: "float32", ...(kind === "made" ? { maxShardBytes: 40_000 } : {}) });
        folders.push(folder);
        expected.push(await sequenceScores(model, sequences));
      }
    }
    await engine.close();
    const config = JSON.parse(await readFile(join(folders[0]!, "config.json"), "utf8")) as Record<string, unknown>;
    expect(config).toMatchObject({ architectures: ["Qwen2ForSequenceClassification"], num_labels: 1, pad_token_id: 3 });
    const { status, stdout, stderr } = spawnSync(PYTHON, ["-c", SCRIPT], {
      input: JSON.stringify([folders, sequences.map((ids) => [...ids])]),
      env: { ...process.env, HF_HUB_OFFLINE: "1" },
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(stderr);
    const lines = stdout.trim().split("\n");
    expect(lines).toHaveLength(folders.length);
    for (const [i, line] of lines.entries()) expectClose(expected[i]!, JSON.parse(line) as number[], { atol: 1e-4 }, folders[i]);
  },
  180_000,
);
