// A reward model's updates on pairs of token sequences.
import { createScalarTrainer, lastScoredToken, planGroupedBatches } from "@longcot/language-model";
import type { OptimizerOptions, ScalarModel, Trainer } from "@longcot/language-model";
import { ShapeError } from "@longcot/errors";
import { bradleyTerryLoss } from "./bradley-terry-loss.ts";
import type { PairInput, PairLossOptions, PairMetric } from "./bradley-terry-loss.ts";

/** Prompt and response of both sides as token ids, the end token included. */
export interface TokenPair {
  readonly chosen: Int32Array;
  readonly rejected: Int32Array;
  /** By how much the chosen one has to be better; absent: 0. */
  readonly margin?: number;
}

export interface RewardTrainer {
  /** Weights' optimizer: state, restore, updates. */
  readonly trainer: Trainer<PairInput, PairMetric>;
  /** One update on the mean loss of `pairs`. @throws NumericError, the weights unchanged, where the gradient is not finite. */
  step(pairs: readonly TokenPair[], learningRate: number): Promise<Record<"loss" | PairMetric | "grad_norm", number>>;
  close(): Promise<void>;
}

export interface RewardTrainerOptions {
  readonly loss: PairLossOptions;
  readonly optimizer: OptimizerOptions;
  /** Most tokens in one forward and backward pass, both sides of a pair in the same. Default 16384. */
  readonly batchTokens?: number | undefined;
}

/** Creates the optimizer's state for `model`, all of whose weights are trained. */
export async function createRewardTrainer(model: ScalarModel, options: RewardTrainerOptions): Promise<RewardTrainer> {
  const { loss, optimizer, batchTokens = 16_384 } = options;
  const trainer = await createScalarTrainer(model, { loss: bradleyTerryLoss(loss), optimizer });
  return {
    trainer,
    async step(pairs, learningRate) {
      if (pairs.length === 0)
        throw new ShapeError({ who: "RewardTrainer.step", argument: "pairs", expected: "at least one", received: "none" });
      const sequences = pairs.flatMap(({ chosen, rejected }) => [chosen, rejected]);
      const plan = planGroupedBatches(
        sequences.map(({ length }) => length),
        { groupSize: 2, batchTokens, most: model.config.maxPositionEmbeddings },
      );
      const sums: Record<"loss" | PairMetric, number> = { loss: 0, accuracy: 0, margin: 0, center: 0, token_loss: 0 };
      for (const { indices, rows, time, packing } of plan) {
        const inputIds = new Int32Array(rows * time);
        const lastTokens = new Float32Array(rows * time);
        const weights = new Float32Array(rows);
        const margins = new Float32Array(rows);
        const tokenLabels = new Float32Array(rows * time);
        for (const [row, index] of indices.entries()) {
          const sequence = sequences[index]!;
          inputIds.set(sequence, row * time);
          lastTokens[row * time + lastScoredToken(sequence, model.config.padTokenId)] = 1;
          weights[row] = 1 / pairs.length;
          const pair = pairs[Math.floor(index / 2)]!;
          margins[row] = pair.margin ?? 0;
          // What both sides share tells nothing of either.
          const from = firstDifference(pair);
          const weight = 1 / (2 * pairs.length * Math.max(1, sequence.length - from));
          tokenLabels.fill(index % 2 === 0 ? weight : -weight, row * time + from, row * time + sequence.length);
        }
        const inputs = { last_tokens: lastTokens, pair_weights: weights, margins, token_labels: tokenLabels };
        const metrics = await trainer.accumulate({ rows, time, packing, inputIds, inputs });
        for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += metrics[name];
      }
      const { gradNorm } = await trainer.apply(learningRate);
      return { ...sums, grad_norm: gradNorm };
    },
    close: () => trainer.close(),
  };
}

/** Place of the first token in which the sides differ. */
function firstDifference({ chosen, rejected }: TokenPair): number {
  const place = chosen.findIndex((token, i) => token !== rejected[i]);
  return place < 0 ? chosen.length : place;
}
