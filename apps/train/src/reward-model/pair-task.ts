// Training on pairs: the right answer's score is to be above the wrong one's.
import { saveScalarModel } from "@longcot/language-model";
import { createRewardTrainer } from "@longcot/reward-model";
import { optimizerOptions } from "../recipe/optimizer-options.ts";
import { measurePairs } from "./measure-pairs.ts";
import { loadTokenPairs } from "./pair-data.ts";
import type { Measured, RewardTask, TaskContext } from "./reward-task.ts";

/** @throws as `loadTokenPairs`. */
export async function pairTask({ recipe, tokenizer, most, warn, openModel }: TaskContext): Promise<RewardTask> {
  const { data, loss, optimizer, training } = recipe;
  const read = (paths: string | string[]) => loadTokenPairs(paths, { tokenizer, most, useMargins: loss.margin, warn });
  const pairs = await read(data.train);
  const validation = data.validation === undefined ? [] : await read(data.validation);
  const lengthOf = ({ chosen, rejected }: (typeof pairs)[number]) => chosen.length + rejected.length;
  const model = await openModel("scalar", [...pairs, ...validation].map(lengthOf));
  const trainer = await createRewardTrainer(model, {
    loss: { centerCoefficient: loss.center, tokenCoefficient: loss.token },
    batchTokens: training.micro_batch_tokens,
    optimizer: optimizerOptions(optimizer),
  });
  const measured: Measured = {};
  return {
    unit: "pairs",
    model,
    trainer: trainer.trainer,
    lengths: pairs.map(lengthOf),
    sequences: () => pairs.flatMap(({ chosen, rejected }) => [chosen, rejected]),
    async step(indices, learningRate) {
      const metrics = await trainer.step(
        indices.map((index) => pairs[index]!),
        learningRate,
      );
      return Object.fromEntries(Object.entries(metrics).map(([name, value]) => [`train/${name}`, value]));
    },
    async measure(onProgress) {
      if (validation.length === 0) return {};
      measured.pairs = await measurePairs(model, validation, { batchTokens: training.micro_batch_tokens, onProgress });
      const { accuracy, logLoss, calibration, margin } = measured.pairs;
      return { "val/accuracy": accuracy, "val/loss": logLoss, "val/ece": calibration.ece, "val/margin": margin };
    },
    measured,
    saveModel: (directory) => saveScalarModel(model, directory, { dtype: "float32" }),
    close: () => trainer.close(),
  };
}
