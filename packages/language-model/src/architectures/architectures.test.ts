// Every architecture against transformers: log-probabilities, entropies, greedy tokens, loss and the norm of every gradient, through score, generate
// and compiled gradients. Expected values: fixtures/make_architectures.py (transformers 5.23.0, torch 2.15.0, eager attention, float32).
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { openEngine } from "@longcot/tensor-kernels";
import { expectClose } from "@longcot/vitest-config/close-to";
import { describe, expect, test } from "vitest";
import { readJsonFile } from "../files/json-file.ts";
import { generate } from "../generate/generate.ts";
import { loadLanguageModel, type LanguageModel } from "../model/language-model.ts";
import { score } from "../score/score.ts";
import { sequenceLogProbs } from "../score/sequence-log-probs.ts";
import { ENGINES } from "../testing/engines.ts";
import { partsOfParameter } from "./parameter-layout.ts";

interface ExpectedSequence {
  ids: number[];
  "log_probs_t1.0": number[];
  "entropies_t1.0": number[];
  "log_probs_t0.6": number[];
  "entropies_t0.6": number[];
  greedy: { prompt: number[]; tokens: number[]; log_probs: number[] };
}

interface Expected {
  sequences: ExpectedSequence[];
  loss: number;
  grad_norms: Record<string, number>;
}

const FOLDERS = ["tiny-qwen3", "tiny-llama3", "tiny-mistral", "tiny-qwen2-sharded"];

async function withFixture(
  choice: (typeof ENGINES)[number],
  folder: string,
  work: (model: LanguageModel, expected: Expected) => Promise<void>,
): Promise<void> {
  const path = fileURLToPath(new URL(`../../fixtures/${folder}`, import.meta.url));
  const engine = await openEngine({ engine: choice, threads: 2 });
  try {
    await work(await loadLanguageModel(engine, path), (await readJsonFile(`${path}/expected.json`)) as unknown as Expected);
  } finally {
    await engine.close();
  }
}

/** Mean next-token loss over all sequences, and its gradients by checkpoint tensor. */
async function gradients(model: LanguageModel, sequences: number[][]): Promise<{ loss: number; norms: Record<string, number> }> {
  const time = Math.max(...sequences.map(({ length }) => length));
  const ids = new Int32Array(sequences.length * time);
  const mask = new Float32Array(sequences.length * time);
  sequences.forEach((sequence, row) => {
    ids.set(sequence, row * time);
    mask.fill(1, row * time + 1, row * time + sequence.length);
  });
  const count = mask.reduce((sum, one) => sum + one, 0);
  const shape = [sequences.length, time];
  const names = model.parameters.map(({ name }) => name);
  const step = model.engine.compile("gradients", { ids: { shape, dtype: "int32" } }, (inputs, state) => {
    const { value, grads } = tf.valueAndGrads((...values: tf.Tensor[]) => {
      const { logProbs } = sequenceLogProbs(model, Object.fromEntries(names.map((name, i) => [name, values[i]!])), inputs.ids, {
        temperature: 1,
        gradientCheckpointing: true,
      });
      return tf.div(tf.neg(tf.sum(tf.mul(logProbs, tf.tensor(mask, shape)))), count) as tf.Scalar;
    })(model.parameters.map(({ variable }) => state.read(variable)));
    return { loss: value, ...Object.fromEntries(names.map((name, i) => [name, grads[i]!])) };
  });
  const { loss, ...rest } = (await step({ ids })) as Record<string, Float32Array>;
  const norms: Record<string, number> = {};
  for (const parameter of model.parameters)
    for (const { tensor, values } of partsOfParameter(parameter, rest[parameter.name]!)) norms[tensor] = Math.hypot(...values);
  return { loss: loss![0]!, norms };
}

describe.each(ENGINES)("on %s", (choice) => {
  test.each(FOLDERS)("%s scores as transformers does", async (folder) => {
    await withFixture(choice, folder, async (model, expected) => {
      const sequences = expected.sequences.map(({ ids }) => Int32Array.from(ids));
      for (const [temperature, label] of [
        [1, "t1.0"],
        [0.6, "t0.6"],
      ] as const) {
        const scores = await score(model, sequences, { temperature });
        expected.sequences.forEach((sequence, i) => {
          expectClose(scores[i]!.logProbs.slice(1), sequence[`log_probs_${label}`], { atol: 1e-4 }, `log-probs of ${i} at ${label}`);
          expectClose(scores[i]!.entropies.slice(1), sequence[`entropies_${label}`], { atol: 1e-4 }, `entropies of ${i} at ${label}`);
        });
      }
    });
  });

  test.each(FOLDERS)("%s generates as transformers does", async (folder) => {
    await withFixture(choice, folder, async (model, expected) => {
      const greedy = expected.sequences.map((sequence) => sequence.greedy);
      const responses = await generate(
        model,
        greedy.map(({ prompt }, i) => ({ promptTokens: Int32Array.from(prompt), prompt: i, sample: 0 })),
        { decoding: { kind: "greedy" }, maxNewTokens: greedy[0]!.tokens.length, seed: 0, step: 0, eosTokenIds: [] },
      );
      responses.forEach(({ tokens, logProbs }, i) => {
        expect([...tokens]).toEqual(greedy[i]!.tokens);
        expectClose(logProbs, greedy[i]!.log_probs, { atol: 1e-4 }, `log-probs of ${i}`);
      });
    });
  });

  test.each(FOLDERS)("%s has transformers' gradients", async (folder) => {
    await withFixture(choice, folder, async (model, expected) => {
      const { loss, norms } = await gradients(
        model,
        expected.sequences.map(({ ids }) => ids),
      );
      expectClose([loss], [expected.loss], { rtol: 1e-5 }, "loss");
      expect(Object.keys(norms).toSorted()).toEqual(Object.keys(expected.grad_norms).toSorted());
      for (const [tensor, norm] of Object.entries(expected.grad_norms))
        expectClose([norms[tensor]!], [norm], { rtol: 1e-4, atol: 1e-6 }, tensor);
    });
  });
});
