// Where the rewards of a step come from: the components of its stage, those that are open for the whole run among them, summed.
import { ConfigError } from "@longcot/errors";
import { combineRewards, rewardComponents } from "@longcot/reward-model";
import type { GradedResponses, StepAggregation, WeightedComponent } from "@longcot/reward-model";
import { createVerifierPool, isJudged } from "@longcot/verifiers";
import type { VerifierPool, VerifyResult } from "@longcot/verifiers";
import type { Engine } from "@longcot/tensor-kernels";
import type { Metrics } from "../events.ts";
import { openAnswerScorer } from "../reward-model/answer-scorer.ts";
import type { AnswerScorer } from "../reward-model/answer-scorer.ts";
import { namedComponents } from "../recipe/reward-schema.ts";
import type { RewardComponent, StageRewards } from "../recipe/reward-schema.ts";
import type { Recipe, Stage } from "../recipe/schema.ts";
import { verifyRequests } from "./rollout.ts";
import type { Answers } from "./rollout.ts";
import { functionOptions } from "./verifier-pool.ts";

export interface StepRewards {
  /** [rows]: the weighted sum. */
  rewards: Float64Array;
  /** By component, [rows]: its value before normalisation, clip and weight. */
  values: Readonly<Record<string, ArrayLike<number>>>;
  /** [rows]: the verifier's verdicts, but those of a component that says nothing about its response. */
  verdicts: readonly VerifyResult[];
  /** `reward/<component>/…`. */
  metrics: Metrics;
}

export interface RewardSources extends AsyncDisposable {
  /** The rewards of graded answers by the components of `stage`. */
  rewardsOf(answers: Answers, stage: Stage, signal: AbortSignal): Promise<StepRewards>;
}

/**
 * Opens what the stages' components need; reward models are on the run's own engine.
 * @throws LongcotError where a reward function does not load, or a reward model is none.
 */
export async function openRewardSources(
  engine: Engine,
  { stages, verifier: { jobs }, loss }: Recipe,
  { thinking }: Pick<GradedResponses, "thinking">,
): Promise<RewardSources> {
  const functions = new Map<Stage, VerifierPool>();
  const models = new Map<string, AnswerScorer>();
  const close = async (): Promise<void> => {
    await Promise.all([...functions.values()].map((pool) => pool.close()));
  };
  try {
    for (const { rewards } of stages)
      for (const judge of judgesOf(rewards)) {
        if (models.has(judge.key)) continue;
        const { model, kind, aggregate } = judge;
        const options = { name: `reward-model-${models.size}`, batchTokens: loss.micro_batch_tokens };
        const scorer = await openAnswerScorer(engine, model, { ...options, ...(aggregate === undefined ? {} : { aggregate }) });
        if (scorer.kind !== kind)
          throw new ConfigError({
            who: model,
            expected: `a model of whole answers, for the component reward_model`,
            received: "a process reward model",
            fix: "Name it in the component process",
          });
        models.set(judge.key, scorer);
      }
    for (const stage of stages)
      if (stage.rewards.function !== undefined) {
        const pool = createVerifierPool({
          ...(jobs === undefined ? {} : { jobs }),
          rewardFunction: functionOptions(stage.rewards.function),
        });
        functions.set(stage, pool);
        await pool.ready();
      }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    async rewardsOf(answers, stage, signal) {
      const { groupSize } = answers;
      const responses = gradedResponses(answers, stage, thinking);
      const own = await functions.get(stage)?.grade(verifyRequests(answers, { gradeTruncated: true }), { signal });
      const scored = answers.texts.map((text, row) => ({
        prompt: answers.prompts[Math.floor(row / groupSize)]!.row.messages,
        text,
        truncated: answers.responses[row]!.finishReason === "length",
      }));
      const judged: Partial<Record<RewardComponent, Float32Array>> = {};
      for (const { component, key } of judgesOf(stage.rewards)) judged[component] = await models.get(key)!.score(scored);
      const components = namedComponents(stage.rewards).map(([name, { weight, normalize, clip }]): WeightedComponent => {
        return { name, values: valuesOf(name), weight, normalize, clip };
      });
      const combined = combineRewards(components, { groupSize });
      return {
        rewards: combined.rewards,
        values: Object.fromEntries(components.map(({ name, values }) => [name, values])),
        verdicts: answers.verdicts.map((verdict, row) => (own === undefined || isJudged(own[row]!) ? verdict : own[row]!)),
        metrics: Object.fromEntries(
          Object.entries(combined.components).flatMap(([name, { clipRatio, ...statistics }]) => [
            ...Object.entries(statistics).map(([statistic, value]) => [`reward/${name}/${statistic}`, value] as const),
            ...(clipRatio === undefined ? [] : [[`reward/${name}/clip_ratio`, clipRatio] as const]),
          ]),
        ),
      };

      function valuesOf(name: RewardComponent): ArrayLike<number> {
        const { overlong, repetition } = stage.rewards;
        switch (name) {
          case "reward_model":
          case "process":
            return judged[name]!;
          case "function":
            return own!.map(({ score }) => score);
          case "overlong":
            return rewardComponents.overlong(responses, { bufferLength: overlong!.buffer_length });
          case "repetition":
            return rewardComponents.repetition(responses, { n: repetition!.ngram });
          default:
            return rewardComponents[name](responses);
        }
      }
    },
    [Symbol.asyncDispose]: close,
  };
}

interface Judge {
  component: "reward_model" | "process";
  kind: AnswerScorer["kind"];
  model: string;
  aggregate?: StepAggregation;
  /** The same for components that can share a scorer. */
  key: string;
}

/** The reward models that `rewards` names. */
function judgesOf({ reward_model: outcome, process }: StageRewards): Judge[] {
  return [
    ...(outcome === undefined ? [] : [{ component: "reward_model", kind: "outcome", model: outcome.model, key: outcome.model } as const]),
    ...(process === undefined
      ? []
      : [
          {
            component: "process",
            kind: "process",
            model: process.model,
            aggregate: process.aggregate,
            key: `${process.model} ${process.aggregate}`,
          } as const,
        ]),
  ];
}

function gradedResponses(
  { prompts, groupSize, responses, texts, verdicts }: Answers,
  { context_length }: Stage,
  thinking: GradedResponses["thinking"],
): GradedResponses {
  return {
    groupSize,
    texts,
    tokens: responses.map(({ tokens }) => tokens),
    truncated: responses.map(({ finishReason }) => finishReason === "length"),
    maxLength: context_length,
    scores: verdicts.map(({ score }) => score),
    correct: verdicts.map(({ outcome }) => outcome === "correct"),
    abilities: texts.map((_, row) => prompts[Math.floor(row / groupSize)]!.row.ability),
    thinking,
  };
}
