// The pair loss by hand and against finite differences; updates of a small model that learns an order, in one batch or in several.
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { saveScalarModel, sequenceScores } from "@longcot/language-model";
import { expectClose } from "@longcot/vitest-config/close-to";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bradleyTerryLoss } from "./bradley-terry-loss.ts";
import { smallModels } from "../testing/small-models.ts";
import { createRewardTrainer } from "./reward-trainer.ts";
import type { TokenPair } from "./reward-trainer.ts";

const PYTHON = process.env["LONGCOT_PYTHON"] ?? "python3";
const hasTransformers = spawnSync(PYTHON, ["-c", "import transformers, torch"]).status === 0;
const unlessThere = hasTransformers ? "" : ` (skipped: ${PYTHON} cannot import transformers; set LONGCOT_PYTHON)`;
const ln3 = Math.log(3);

describe("loss", () => {
  beforeAll(async () => {
    await tf.setBackend("cpu");
  });

  /** Scores of the last tokens as rows of one token; pairs weigh half each, a filling pair nothing. */
  const evaluate = (scores: tf.Tensor2D, margins: number[], centerCoefficient: number, tokenCoefficient = 0) => {
    const [rows, time] = scores.shape;
    const lastTokens = tf.tensor2d(Array.from({ length: rows }, () => Array.from({ length: time }, (_, t) => (t === time - 1 ? 1 : 0))));
    return bradleyTerryLoss({ centerCoefficient, tokenCoefficient }).evaluate({
      scores,
      inputs: {
        last_tokens: lastTokens,
        pair_weights: tf.tensor1d([0.5, 0, 0.5, 0, 0, 0]),
        margins: tf.tensor1d(margins),
        token_labels: tf.mul(lastTokens, tf.tensor2d([0.25, -0.75, 0, 0, 0, 0], [6, 1])),
      },
    });
  };

  test("by hand", () => {
    // Pairs (2 ln 3, ln 3), (0, ln 3): −log σ(ln 3) = ln 4/3, −log σ(−ln 3) = ln 4; with a margin of ln 3 on the first, ln 2.
    const scores = tf.tensor2d([
      [9, 2 * ln3],
      [9, ln3],
      [9, 0],
      [9, ln3],
      [9, 0],
      [9, 0],
    ]);
    const none = [0, 0, 0, 0, 0, 0];
    const { loss, metrics } = evaluate(scores, none, 0);
    expectClose(loss.dataSync(), [(Math.log(4 / 3) + Math.log(4)) / 2], { atol: 1e-6 });
    expectClose(metrics.accuracy.dataSync(), [0.5], { atol: 1e-6 });
    expectClose(metrics.margin.dataSync(), [0], { atol: 1e-6 });
    expectClose(metrics.center.dataSync(), [(1.5 * ln3 + 0.5 * ln3) / 2], { atol: 1e-6 });
    expectClose(evaluate(scores, [ln3, 0, 0, 0, 0, 0], 0).loss.dataSync(), [(Math.log(2) + Math.log(4)) / 2], { atol: 1e-6 });
    expectClose(evaluate(scores, none, 0.1).loss.dataSync(), [(Math.log(4 / 3) + Math.log(4)) / 2 + (0.1 * (9 + 1) * ln3 ** 2) / 2], {
      atol: 1e-6,
    });
  });

  test("of single tokens by hand: labels weigh, their sign says which way", () => {
    // 0.25 · −log σ(2 ln 3) + 0.75 · −log σ(−ln 3), σ(2 ln 3) = 9/10, σ(−ln 3) = 1/4.
    const scores = tf.tensor2d([
      [9, 2 * ln3],
      [9, ln3],
      [9, 0],
      [9, 0],
      [9, 0],
      [NaN, 0],
    ]);
    const expected = 0.25 * Math.log(10 / 9) + 0.75 * Math.log(4);
    const [without, withTokens] = [0, 2].map((coefficient) => evaluate(scores, [0, 0, 0, 0, 0, 0], 0, coefficient));
    expectClose(withTokens!.metrics.token_loss.dataSync(), [expected], { atol: 1e-6 });
    expectClose([withTokens!.loss.dataSync()[0]! - without!.loss.dataSync()[0]!], [2 * expected], { atol: 1e-6 });
  });

  test("gradients are finite differences", () => {
    const values = [0.3, -0.7, 1.1, 0.4, 0.2, -0.1];
    const lossOf = (scores: number[]) => evaluate(tf.tensor2d(scores, [6, 1]), [0.4, 0, 0, 0, 0, 0], 0.05, 0.7).loss;
    const gradient = tf.grad((scores: tf.Tensor) => evaluate(scores as tf.Tensor2D, [0.4, 0, 0, 0, 0, 0], 0.05, 0.7).loss)(
      tf.tensor2d(values, [6, 1]),
    );
    const step = 1e-2;
    const differences = values.map((value, i) => {
      const at = (shift: number) => lossOf(values.with(i, value + shift)).dataSync()[0]!;
      return (at(step) - at(-step)) / (2 * step);
    });
    expectClose(gradient.dataSync(), differences, { atol: 1e-4 });
    expectClose(gradient.dataSync().slice(4), [0, 0], { atol: 0 });
  });
});

describe("training", () => {
  const { folder, openModel, close } = smallModels();
  afterAll(close);

  /** Sequences of two kinds of token; the better one has more of token 5. */
  const pairs: TokenPair[] = Array.from({ length: 12 }, (_, i) => {
    const sequence = (fives: number) =>
      Int32Array.from({ length: 6 + (i % 4) }, (__, t) => ((t * 7 + i) % 5 < fives ? 5 : 6 + ((t + i) % 3)));
    return { chosen: sequence(3), rejected: sequence(1) };
  });
  const optimizer = { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1 } as const;

  test("an order is learnt; batches cut by tokens give the same update", async () => {
    const losses: number[][] = [];
    for (const batchTokens of [4096, 64]) {
      const model = await openModel(1);
      const trainer = await createRewardTrainer(model, {
        loss: { centerCoefficient: 0.01, tokenCoefficient: 0.1 },
        optimizer,
        batchTokens,
      });
      const seen: number[] = [];
      let accuracy = 0;
      for (let step = 0; step < 30; step++) {
        const metrics = await trainer.step(pairs, 1e-2);
        seen.push(metrics.loss);
        accuracy = metrics.accuracy;
      }
      expect(accuracy).toBeCloseTo(1, 5);
      expect(seen.at(-1)!).toBeLessThan(seen[0]! / 4);
      losses.push(seen.slice(0, 3));
      await trainer.close();
    }
    expectClose(losses[1]!, losses[0]!, { rtol: 1e-4 });
  });

  test("no pairs is an error", async () => {
    const trainer = await createRewardTrainer(await openModel(2), { loss: { centerCoefficient: 0, tokenCoefficient: 0 }, optimizer });
    await expect(trainer.step([], 1e-3)).rejects.toThrow("RewardTrainer.step: pairs must be at least one, got none");
  });

  test.skipIf(!hasTransformers)(
    `transformers gives a trained model's answers the same scores${unlessThere}`,
    async () => {
      const model = await openModel(3);
      const trainer = await createRewardTrainer(model, { loss: { centerCoefficient: 0.01, tokenCoefficient: 0.1 }, optimizer });
      for (let step = 0; step < 3; step++) await trainer.step(pairs, 1e-2);
      await trainer.close();
      const saved = join(folder, "saved");
      await saveScalarModel(model, saved, { dtype: "float32" });
      const sequences = pairs.flatMap(({ chosen, rejected }) => [chosen, rejected]);
      const script = `
import json, sys, torch
from transformers import AutoModelForSequenceClassification
folder, pad, rows = json.load(sys.stdin)
model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32)
longest = max(map(len, rows))
ids = torch.tensor([row + [pad] * (longest - len(row)) for row in rows])
mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
print(json.dumps(model(input_ids=ids, attention_mask=mask).logits[:, 0].tolist()))`;
      const input = JSON.stringify([saved, model.config.padTokenId, sequences.map((sequence) => [...sequence])]);
      const { status, stdout, stderr } = spawnSync(PYTHON, ["-c", script], {
        input,
        encoding: "utf8",
        env: { ...process.env, HF_HUB_OFFLINE: "1" },
      });
      expect(status, stderr).toBe(0);
      expectClose(await sequenceScores(model, sequences), JSON.parse(stdout) as number[], { atol: 1e-5 });
    },
    180_000,
  );
});
