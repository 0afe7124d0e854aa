// A step of reinforcement learning: groups of responses, rewards, group advantages, the MAGIC loss, one update. The reward is the number
// of distinct tokens; old log-probabilities are the sampler's, as the weights have not moved since.
import { createTrainer, generate, planBatches } from "@longcot/language-model";
import type { GeneratedResponse } from "@longcot/language-model";
import { grpoAdvantages, lossReduction } from "@longcot/ppo-loss";
import { advantagesSchema, lossSchema } from "../recipe/loss-schema.ts";
import { policyTokenLoss } from "../training/policy-loss.ts";
import { timeCalls } from "./bench-job.ts";
import type { PrepareJob } from "./bench-job.ts";
import { createBenchModel, END_TOKEN, randomTokens } from "./bench-model.ts";
import { median } from "./median.ts";

const WARM_UP_STEPS = 2;
const LEARNING_RATE = 1e-6;
const BATCH_TOKENS = 16_384;
const MAGIC = { loss: lossSchema.parse({}), advantages: advantagesSchema.parse({}), entropy: { controller: "none" } } as const;

export const preparePolicyStep: PrepareJob = async (engine, shapes, ragged) => {
  const { model, parameters } = await createBenchModel(engine, shapes);
  const trainer = await createTrainer(model, {
    loss: policyTokenLoss(MAGIC),
    optimizer: { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1 },
  });
  const requests = Array.from({ length: shapes.completions }, (_, i) => {
    const prompt = Math.floor(i / shapes.group);
    return { promptTokens: randomTokens(shapes.prompt, shapes.vocab, prompt), prompt, sample: i % shapes.group };
  });
  let steps = 0;

  const update = async (responses: readonly GeneratedResponse[]): Promise<void> => {
    const rewards = responses.map(({ tokens }) => new Set(tokens).size);
    const { advantages } = grpoAdvantages({ rewards, groupSize: shapes.group });
    const batchTokens = responses.reduce((sum, { tokens }) => sum + tokens.length, 0);
    const lengths = responses.map(({ tokens }) => shapes.prompt + tokens.length);
    for (const { indices, rows, time, packing } of planBatches(lengths, {
      batchTokens: BATCH_TOKENS,
      most: model.config.maxPositionEmbeddings,
    })) {
      const inputIds = new Int32Array(rows * time);
      const inputs = {
        old_log_probs: new Float32Array(rows * time),
        mask: new Float32Array(rows * time),
        advantages: new Float32Array(rows),
        row_weights: new Float32Array(rows),
        token_denominator: Float32Array.of(batchTokens),
        entropy_coefficient: Float32Array.of(0),
      };
      const responseLengths = indices.map((index) => responses[index]!.tokens.length);
      inputs.row_weights.set(lossReduction({ aggregation: "token-mean", lengths: responseLengths, batchTokens }).rowWeights);
      indices.forEach((index, row) => {
        const begin = row * time + shapes.prompt;
        const { tokens, logProbs } = responses[index]!;
        inputIds.set(requests[index]!.promptTokens, row * time);
        inputIds.set(tokens, begin);
        inputs.old_log_probs.set(logProbs, begin);
        inputs.mask.fill(1, begin, begin + tokens.length);
        inputs.advantages[row] = advantages[index]!;
      });
      await trainer.accumulate({ rows, time, packing, inputIds, inputs });
    }
    await trainer.apply(LEARNING_RATE);
  };

  const generating: number[] = [];
  const step = async (): Promise<void> => {
    const start = performance.now();
    const responses = await generate(model, requests, {
      decoding: { kind: "sample", temperature: 1, topP: 1, topK: 0 },
      maxNewTokens: shapes.new,
      seed: 0,
      step: steps++,
      eosTokenIds: ragged ? [END_TOKEN] : [],
    });
    generating.push((performance.now() - start) / 1000);
    await update(responses);
  };
  await timeCalls(WARM_UP_STEPS, step);
  return {
    async measure(repeats) {
      generating.length = 0;
      const seconds = await timeCalls(repeats, step);
      return { parameters, seconds_per_step: median(seconds), of_which_generation: median(generating), median_of: repeats };
    },
  };
};
