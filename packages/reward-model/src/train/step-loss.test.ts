// The loss on steps by hand and against finite differences; a small model that learns which tokens spoil an answer, saved for transformers.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { loadScalarModel, saveScalarModel, tokenScalars } from "@longcot/language-model";
import { expectClose } from "@longcot/vitest-config/close-to";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { smallModels } from "../testing/small-models.ts";
import { stepLoss } from "./step-loss.ts";
import type { StepLossKind } from "./step-loss.ts";
import { createStepTrainer } from "./step-trainer.ts";
import type { LabelledSteps } from "./step-trainer.ts";

const PYTHON = process.env["LONGCOT_PYTHON"] ?? "python3";
const hasTransformers = spawnSync(PYTHON, ["-c", "import transformers, torch"]).status === 0;
const unlessThere = hasTransformers ? "" : ` (skipped: ${PYTHON} cannot import transformers; set LONGCOT_PYTHON)`;
const ln3 = Math.log(3);

describe("loss", () => {
  beforeAll(async () => {
    await tf.setBackend("cpu");
  });
  const evaluate = (kind: StepLossKind, scores: tf.Tensor2D) =>
    stepLoss(kind).evaluate({
      scores,
      inputs: {
        step_weights: tf.tensor2d([
          [0, 0.25, 0.25],
          [0.5, 0, 0],
        ]),
        step_targets: tf.tensor2d([
          [0, 1, 0.25],
          [0, 0, 0],
        ]),
      },
    });

  test("by hand", () => {
    // σ(ln 3) = 3/4, σ(−ln 3) = 1/4, σ(0) = 1/2.
    const scores = tf.tensor2d([
      [9, ln3, -ln3],
      [0, Number.NaN, 9],
    ]);
    const { log } = Math;
    const bce = evaluate("bce", scores);
    expectClose(bce.loss.dataSync(), [0.25 * -log(0.75) + 0.25 * (-0.25 * log(0.25) - 0.75 * log(0.75)) + 0.5 * -log(0.5)], { atol: 1e-6 });
    // A logit of 0 is not above 1/2, and neither is its target.
    expectClose(bce.metrics.accuracy.dataSync(), [1], { atol: 1e-6 });
    expectClose(evaluate("mse", scores).loss.dataSync(), [0.25 / 16 + 0 + 0.5 / 4], { atol: 1e-6 });
  });

  test.each(["bce", "mse"] as const)("gradients of %s are finite differences", (kind) => {
    const values = [0.3, -0.7, 1.1, 0.4, 0.2, -0.1];
    const lossOf = (scores: number[]) => evaluate(kind, tf.tensor2d(scores, [2, 3])).loss.dataSync()[0]!;
    const gradient = tf
      .grad((scores: tf.Tensor) => evaluate(kind, scores as tf.Tensor2D).loss)(tf.tensor2d(values, [2, 3]))
      .dataSync();
    const step = 1e-2;
    const differences = values.map(
      (value, i) => (lossOf(values.with(i, value + step)) - lossOf(values.with(i, value - step))) / (2 * step),
    );
    expectClose(gradient, differences, { atol: 1e-4 });
    expectClose([gradient[0]!, gradient[4]!, gradient[5]!], [0, 0, 0], { atol: 0 });
  });
});

describe("training", () => {
  const { folder, openModel, close } = smallModels();
  afterAll(close);
  const optimizer = { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1 } as const;

  /** Steps of three tokens; from the first 7 on all steps are wrong. */
  const answers: LabelledSteps[] = Array.from({ length: 12 }, (_, i) => {
    const tokens = Int32Array.from({ length: 9 + 3 * (i % 3) }, (__, t) => (i % 2 === 1 && t === 1 + (i % 5) ? 7 : 4 + ((t + i) % 3)));
    const ends = Array.from({ length: tokens.length / 3 }, (__, step) => 3 * step + 2);
    return { tokens, ends, targets: ends.map((end) => Number(!tokens.subarray(0, end + 1).includes(7))) };
  });

  test("which steps are wrong is learnt; batches cut by tokens give the same update; transformers gives the same logits", async () => {
    const losses: number[][] = [];
    for (const batchTokens of [4096, 48]) {
      const model = await openModel(1, "token-scalar");
      const trainer = await createStepTrainer(model, { loss: "bce", optimizer, batchTokens });
      const seen: number[] = [];
      let accuracy = 0;
      for (let step = 0; step < 40; step++) {
        const metrics = await trainer.step(answers, 1e-2);
        seen.push(metrics.loss);
        accuracy = metrics.accuracy;
      }
      expect(accuracy).toBeCloseTo(1, 5);
      expect(seen.at(-1)!).toBeLessThan(seen[0]! / 4);
      losses.push(seen.slice(0, 3));
      await trainer.close();
      const saved = join(folder, `steps-${batchTokens}`);
      await saveScalarModel(model, saved, { dtype: "float32" });
      const loaded = await loadScalarModel(model.engine, saved, { name: "loaded" });
      expect(loaded.head).toBe("token-scalar");
      const sequences = answers.map(({ tokens }) => tokens);
      const [before, after] = [await tokenScalars(model, sequences), await tokenScalars(loaded, sequences)];
      before.forEach((values, i) => expectClose(after[i]!, values, { atol: 0 }));
    }
    expectClose(losses[1]!, losses[0]!, { rtol: 1e-4 });
  });

  test("no steps is an error", async () => {
    const trainer = await createStepTrainer(await openModel(2, "token-scalar"), { loss: "bce", optimizer });
    await expect(trainer.step([], 1e-3)).rejects.toThrow("StepTrainer.step: answers must be at least one step, got none");
  });

  test.skipIf(!hasTransformers)(
    `transformers' token classifier gives every token the same logit${unlessThere}`,
    async () => {
      const saved = join(folder, "steps-4096");
      const model = await loadScalarModel((await openModel(3)).engine, saved, { name: "saved" });
      const sequences = answers.slice(0, 4).map(({ tokens }) => tokens);
      const script = `
import json, sys, torch
from transformers import AutoModelForTokenClassification
folder, rows = json.load(sys.stdin)
model = AutoModelForTokenClassification.from_pretrained(folder, dtype=torch.float32)
assert model.score.bias.abs().item() > 0
print(json.dumps([model(input_ids=torch.tensor([row])).logits[0, :, 0].tolist() for row in rows]))`;
      const input = JSON.stringify([saved, sequences.map((sequence) => [...sequence])]);
      const { status, stdout, stderr } = spawnSync(PYTHON, ["-c", script], {
        input,
        encoding: "utf8",
        env: { ...process.env, HF_HUB_OFFLINE: "1" },
      });
      expect(status, stderr).toBe(0);
      const theirs = JSON.parse(stdout) as number[][];
      (await tokenScalars(model, sequences)).forEach((values, i) => expectClose(values, theirs[i]!, { atol: 1e-5 }));
    },
    180_000,
  );
});
