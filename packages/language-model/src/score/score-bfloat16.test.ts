// A model on an engine of precision bfloat16: near float32 in its log-probabilities, and learning as it does.

import { openEngine } from "@longcot/tensor-kernels";
import { expect, test } from "vitest";
import { loadLanguageModel } from "../model/language-model.ts";
import { ENGINES, TINY_QWEN2 } from "../testing/engines.ts";
import { crossEntropyLoss } from "../train/token-loss.ts";
import { createTrainer } from "../train/trainer.ts";
import { score } from "./score.ts";

const [ROWS, TIME] = [2, 24];
const IDS = Int32Array.from({ length: ROWS * TIME }, (_, i) => (i * 97) % 640);
const measurable = ENGINES[0] === "tensorflow";

test.skipIf(!measurable)(`scores and training steps follow float32's${measurable ? "" : " (left out: needs TensorFlow)"}`, async () => {
  const runs = [];
  for (const precision of ["float32", "bfloat16"] as const) {
    const engine = await openEngine({ engine: "tensorflow", threads: 2, precision });
    const model = await loadLanguageModel(engine, TINY_QWEN2);
    const [scored] = await score(model, [IDS.subarray(0, TIME)], { temperature: 1 });
    const trainer = await createTrainer(model, {
      loss: crossEntropyLoss,
      optimizer: { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1 },
      gradientCheckpointing: true,
    });
    const mask = Float32Array.from(IDS, (_, i) => (i % TIME === 0 ? 0 : 1));
    const losses: number[] = [];
    for (let step = 0; step < 4; step++) {
      const { loss } = await trainer.accumulate({
        rows: ROWS,
        time: TIME,
        inputIds: IDS,
        inputs: { mask, denominator: Float32Array.of(ROWS * (TIME - 1)) },
      });
      losses.push(Number(loss));
      await trainer.apply(2e-3);
    }
    await engine.close();
    runs.push({ logProbs: Array.from(scored!.logProbs.subarray(1)), losses });
  }
  const [exact, narrow] = runs as [(typeof runs)[0], (typeof runs)[0]];
  const differences = exact.logProbs.map((value, i) => Math.abs(value - narrow.logProbs[i]!));
  expect(Math.max(...differences)).toBeGreaterThan(1e-5);
  expect(Math.max(...differences)).toBeLessThan(0.1);
  expect(exact.losses.at(-1)!).toBeLessThan(0.95 * exact.losses[0]!);
  narrow.losses.forEach((loss, step) => expect(Math.abs(loss / exact.losses[step]! - 1)).toBeLessThan(0.03));
});
