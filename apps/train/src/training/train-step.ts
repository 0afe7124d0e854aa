// One step of MAGIC: rollout, verdicts, rewards, advantages, rejection, old log-probabilities, entropy control, updates, metrics.

import { monteCarloEntropy } from "@longcot/entropy-dynamics";
import { NumericError } from "@longcot/errors";
import { rejectZeroAdvantageGroups, valueMetricReductions } from "@longcot/ppo-loss";
import type { Rollouts } from "@longcot/rollout-buffer";
import { verdictMetrics } from "@longcot/verifiers";
import type { VerifierPool } from "@longcot/verifiers";
import type { EmitEvent, Metrics } from "../events.ts";
import type { Recipe, Stage } from "../recipe/schema.ts";
import type { PassRateRecord, SampleRecord } from "../run/records.ts";
import type { RolloutStore } from "../run/rollout-store.ts";
import { estimateAdvantages } from "./advantages.ts";
import type { StepAdvantages } from "./advantages.ts";
import { valueMetrics } from "./value-metrics.ts";
import { answerSequences, ofResponses, oldScores, scoreRows } from "./old-log-probs.ts";
import type { Learner } from "./learner.ts";
import { passRates } from "./pass-rates.ts";
import type { PreparedModel } from "./prepare-model.ts";
import type { TrainingPrompt } from "./prompts.ts";
import { entropyMetrics, policyEntropy, responseMetrics } from "./entropy-metrics.ts";
import type { ReadReplayedStep } from "./replay.ts";
import type { RewardSources, StepRewards } from "./reward-sources.ts";
import { correctRollouts } from "./rollout-correction.ts";
import { generateResponses, gradeResponses, writeAnswers } from "./rollout.ts";
import type { Answers } from "./rollout.ts";
import { sampleGroups } from "./sample-groups.ts";
import { clearUnjudgedGroups } from "./unjudged-groups.ts";
import { endToEnd, inOrder, offsetsOf } from "./token-order.ts";
import { updateCritic } from "./update-critic.ts";
import { updatePolicy } from "./update.ts";
import type { UpdateMetrics } from "./update.ts";

export interface StepContext {
  recipe: Recipe;
  prepared: PreparedModel;
  learner: Learner;
  pool: VerifierPool;
  rewardSources: RewardSources;
  /** Where rollouts are kept. */
  rolloutStore: RolloutStore;
  /** Reads the steps of the run that the recipe replays; absent: responses are generated. */
  replay?: ReadReplayedStep;
  signal: AbortSignal;
  emit: EmitEvent;
}

export interface StepPlan {
  /** Over all stages, from 1. */
  step: number;
  stage: Stage;
  /** From 1. */
  stageNumber: number;
  /** Drawn for this step; a replay answers its own. */
  prompts: readonly TrainingPrompt[];
  /** Prompts of the stage for a further round of a refill, other than those `taken`; none where all are. */
  morePrompts: (round: number, taken: readonly TrainingPrompt[]) => readonly TrainingPrompt[];
}

/** What a step leaves to be logged. */
export interface TrainedStep {
  metrics: Metrics;
  samples: SampleRecord[];
  passRates: PassRateRecord;
}

/**
 * Trains one step and returns what to log. Responses are on disk once generated, the whole rollouts before the first update; a signal
 * during the rollout rejects with its reason and leaves model and controller as they were.
 */
export async function trainStep(context: StepContext, plan: StepPlan): Promise<TrainedStep> {
  const { recipe, prepared, learner, rewardSources, rolloutStore, signal, emit } = context;
  const { trainer, critic, controller, reference, klController } = learner;
  const { step, stage, stageNumber } = plan;
  const clock = stopwatch();

  const { answers, origin, chosen, rounds, seconds } = await sampleGroups(context, plan, {
    stage: stageNumber,
    weightVersion: trainer.updates,
  });
  const { prompts } = answers;
  clock.lap();
  const { rewards, values, verdicts, metrics: rewardMetrics } = await rewardSources.rewardsOf(answers, stage, signal);
  const rewardSeconds = seconds.grading + clock.lap();

  const scores = await oldScores(answers, context);
  const oldLogProbSeconds = clock.lap();
  // The whole KL is the update's to compute: nothing is estimated from these tokens.
  const scoring = recipe.kl?.estimator === "full" ? undefined : reference;
  const refLogProbs = scoring && ofResponses(answers, await scoring.logProbsOf(answerSequences(answers)));
  const refSeconds = clock.lap();
  const oldValues = critic && endToEnd(ofResponses(answers, await critic.valuesOf(answerSequences(answers), emit)));
  const valueSeconds = clock.lap();

  const groups = { groupSize: stage.group_size };
  const offsets = offsetsOf(answers.responses.map(({ tokens }) => tokens.length));
  const coefficient = klController?.coefficient ?? 0;
  const baselines = recipe.advantages.estimator === "remax" ? await greedyRewards(context, plan, prompts) : undefined;
  const estimated = estimateAdvantages(recipe, {
    rewards,
    truncated: Uint8Array.from(answers.responses, ({ finishReason }) => (finishReason === "length" ? 1 : 0)),
    ...groups,
    offsets,
    ...(recipe.kl?.in === "reward"
      ? { kl: { oldLogProbs: endToEnd(scores.logProbs), refLogProbs: endToEnd(refLogProbs!), coefficient } }
      : {}),
    ...(baselines === undefined ? {} : { baselines }),
    ...(chosen === undefined ? {} : { chosen }),
    ...(oldValues && { values: oldValues }),
    ...(scores.sumPiSquared && {
      oldLogProbs: endToEnd(scores.logProbs),
      sumPiSquared: endToEnd(scores.sumPiSquared),
    }),
  });
  const { perRow: advantages } = estimated;
  const unjudged = clearUnjudgedGroups(bothLevels(estimated, offsets), { ...groups, verdicts });
  if (unjudged !== undefined) emit({ type: "warning", text: `step ${step}: ${unjudged}` });
  const rejection = rejectZeroAdvantageGroups({ rewards: answers.verdicts.map(({ score }) => score), advantages, ...groups });
  const keptRows = recipe.rejection.zero_advantage ? rejection.keptRows : Int32Array.from(rewards.keys());
  const advantageSeconds = clock.lap();

  const writer = writeAnswers(rolloutStore, answers, { rewards, advantages, scores, refLogProbs }, origin);
  // Rows of the writer are in the order of the answers; sealing sorts them, so kept rows are named anew by their place.
  const keptFlags = new Set(keptRows);
  const order = writer.copySortedRows();
  const rollouts = writer.seal({ step, seed: recipe.seed });
  await rolloutStore.write(rollouts);
  const kept = Array.from(order.keys()).filter((place) => keptFlags.has(order[place]!));

  const metrics: Metrics = {
    ...rolloutMetrics(answers, rewards, prompts),
    ...verdictMetrics(answers.verdicts),
    ...rewardMetrics,
    ...responseMetrics(
      answers.responses.map(({ tokens }) => tokens),
      answers.texts,
      answers.verdicts.map(({ extracted }) => extracted),
      stage.group_size,
    ),
    ...policyEntropy(rollouts),
    "training/stage": stageNumber,
    "batch/solve_none": rejection.solveNone,
    "batch/solve_all": rejection.solveAll,
    "batch/kept_groups": kept.length / stage.group_size,
    "batch/kept_ratio": kept.length / rewards.length,
    ...(rounds === undefined ? {} : { "train/num_gen_batches": rounds }),
  };
  if (estimated.kl !== undefined) {
    Object.assign(metrics, spread("critic/rewards", Array.from(estimated.penalised!)), {
      "actor/reward_kl_penalty": estimated.kl,
      "actor/reward_kl_penalty_coeff": coefficient,
    });
    klController!.observe(estimated.kl, rewards.length);
  }
  if (kept.length > 0) {
    const { entropy, advantage } = keptStatistics(rollouts, kept);
    // The policy stands still while the critic warms up, and so does what steers its entropy.
    const control = step <= (recipe.critic?.warmup_steps ?? 0) ? undefined : controller.observe(entropy);
    const alpha = control?.alpha ?? 0;
    const { metrics: mismatch, ...corrected } = correctRollouts(rollouts, kept, recipe.rollout_correction);
    const most = prepared.model.config.maxPositionEmbeddings;
    const sorted = (column: Float32Array): Float32Array => inOrder(column, offsets, order);
    const valueColumns = oldValues && { values: sorted(oldValues), returns: sorted(estimated.returns!) };
    const updating = { recipe, stage, step, keptRows: kept, most, emit };
    clock.lap();
    if (valueColumns !== undefined) {
      Object.assign(metrics, valueMetrics(valueColumns, rollouts, kept));
      const alone = critic!.trainerIn(step);
      if (alone !== undefined)
        Object.assign(metrics, await updateCritic(rollouts, { ...updating, ...alone, columns: valueColumns }), {
          "timing_s/update_critic": clock.lap(),
        });
    }
    const options = control && {
      ...updating,
      columns: {
        ...corrected,
        ...valueColumns,
        ...(estimated.perToken === undefined ? {} : { advantages: sorted(estimated.perToken) }),
      },
      alpha,
      currentLogProbs: async (rows: readonly number[]) =>
        await scoreRows(
          prepared,
          rows.map((row) => rollouts.viewRow(row)),
          recipe,
        ),
    };
    const update = options && (await updatePolicy(trainer, rollouts, options));
    if (recipe.optimizer.learning_rate === 0 && context.replay === undefined && update !== undefined) checkNoDrift(update, step);
    Object.assign(metrics, entropyMetrics(rollouts, kept, alpha), mismatch, {
      "actor/entropy": entropy,
      ...(control && { "actor/entropy_coeff": control.coefficient, "actor/entropy_coeff_realized": alpha }),
      ...Object.fromEntries(
        Object.entries(update ?? {}).map(([name, value]) => [`${name in valueMetricReductions ? "critic" : "actor"}/${name}`, value]),
      ),
      ...(update?.kl_loss === undefined ? {} : { "actor/kl_coef": recipe.kl!.coefficient }),
      ...(control && { "actor/lr": recipe.optimizer.learning_rate }),
      "critic/advantages/mean": advantage.mean,
      "critic/advantages/max": advantage.max,
      "critic/advantages/min": advantage.min,
      ...(control && { "timing_s/update_actor": clock.lap() }),
    });
  } else {
    emit({ type: "warning", text: `step ${step}: every group is all right or all wrong, nothing to learn from; no update` });
  }
  const tokens = rollouts.promptTokenCount + rollouts.responseTokenCount;
  rollouts.free();
  const total = clock.total();
  Object.assign(metrics, {
    "timing_s/gen": seconds.generation,
    "timing_s/reward": rewardSeconds,
    "timing_s/adv": advantageSeconds,
    "timing_s/old_log_prob": oldLogProbSeconds,
    ...(refLogProbs === undefined ? {} : { "timing_s/ref": refSeconds }),
    ...(critic === undefined ? {} : { "timing_s/values": valueSeconds }),
    "timing_s/step": total,
    "perf/throughput": tokens / total,
  });
  return {
    metrics,
    samples: chooseSamples(answers, { rewards, values }, plan),
    passRates: passRates(answers, { step, stage: stageNumber }),
  };
}

/** The advantages of a range of rows set at both levels. */
const bothLevels = ({ perRow, perToken }: StepAdvantages, offsets: Int32Array) => ({
  fill(value: number, from: number, to: number): void {
    perRow.fill(value, from, to);
    perToken?.fill(value, offsets[from], offsets[to]);
  },
});

/** For each row the reward of the greedy answer to its prompt, under the weights that the updates start from. */
async function greedyRewards(
  { recipe, prepared, pool, rewardSources, signal, emit }: StepContext,
  { stage, step }: StepPlan,
  prompts: readonly TrainingPrompt[],
): Promise<Float64Array> {
  const options = { groupSize: 1, maxNewTokens: stage.context_length, seed: recipe.seed, step, signal, emit, phase: "rollout" as const };
  const gradeTruncated = recipe.advantages.truncated_reward === "graded";
  const responses = await generateResponses(prepared, prompts, { ...options, decoding: "greedy" });
  const answers = await gradeResponses(prepared, pool, prompts, responses, { ...options, gradeTruncated });
  const { rewards } = await rewardSources.rewardsOf(answers, stage, signal);
  return Float64Array.from({ length: prompts.length * stage.group_size }, (_, row) => rewards[Math.floor(row / stage.group_size)]!);
}

/** With a learning rate of 0 every update meets the policy that made the rollout. @throws NumericError where the ratios say otherwise. */
function checkNoDrift({ ppo_kl: kl, ratio_max: largest = 1 }: UpdateMetrics, step: number): void {
  const drift = Math.max(Math.abs(kl), Math.abs(Math.log(largest)));
  if (drift <= LARGEST_DRIFT) return;
  throw new NumericError({
    who: `step ${step}`,
    argument: "log ratio of policy and old policy",
    expected: `at most ${LARGEST_DRIFT} with optimizer.learning_rate 0`,
    received: drift.toPrecision(3),
    fix: "The forward passes of score and update disagree: this is a fault of the program or its engine",
  });
}

/** Nats: what two float32 forward passes of the same weights may differ by. */
const LARGEST_DRIFT = 1e-2;

/** The controller's measurement, −mean log-probability of the kept tokens, and the advantages of the same tokens. */
function keptStatistics(
  rollouts: Rollouts,
  kept: readonly number[],
): { entropy: number; advantage: { mean: number; max: number; min: number } } {
  const { values, offsets } = rollouts.viewPerToken("old_log_probs");
  const advantages = rollouts.viewPerRow("advantage");
  const mask = new Uint8Array(values.length);
  let [tokens, sum, max, min] = [0, 0, -Infinity, Infinity];
  for (const row of kept) {
    const length = offsets[row + 1]! - offsets[row]!;
    mask.fill(1, offsets[row]!, offsets[row + 1]!);
    tokens += length;
    sum += advantages[row]! * length;
    max = Math.max(max, advantages[row]!);
    min = Math.min(min, advantages[row]!);
  }
  return { entropy: monteCarloEntropy({ logProbs: values, mask }), advantage: { mean: sum / tokens, max, min } };
}

function rolloutMetrics({ responses }: Answers, rewards: ArrayLike<number>, prompts: readonly TrainingPrompt[]): Metrics {
  const cut = responses.filter(({ finishReason }) => finishReason === "length").length;
  return {
    ...spread("critic/score", Array.from(rewards)),
    ...spread(
      "response_length",
      responses.map(({ tokens }) => tokens.length),
    ),
    "response_length/clip_ratio": cut / responses.length,
    ...spread(
      "prompt_length",
      prompts.map(({ tokens }) => tokens.length),
    ),
  };
}

function spread(name: string, values: readonly number[]): Metrics {
  return {
    [`${name}/mean`]: values.reduce((sum, value) => sum + value, 0) / values.length,
    [`${name}/max`]: values.reduce((most, value) => Math.max(most, value), -Infinity),
    [`${name}/min`]: values.reduce((least, value) => Math.min(least, value), Infinity),
  };
}

/** The first right and the first wrong response of the step, to be read. */
function chooseSamples(
  { prompts, groupSize, responses, texts, verdicts }: Answers,
  { rewards, values }: Pick<StepRewards, "rewards" | "values">,
  { step, stage }: StepPlan,
): SampleRecord[] {
  const rows = Array.from({ length: texts.length }, (_, row) => row);
  return [rows.find((row) => verdicts[row]!.score > 0), rows.find((row) => verdicts[row]!.score === 0)].flatMap((row) => {
    if (row === undefined) return [];
    const prompt = prompts[Math.floor(row / groupSize)]!;
    const { outcome, extracted } = verdicts[row]!;
    return [
      {
        step,
        stage: stage.name,
        level: prompt.level,
        prompt: prompt.row.messages.at(-1)!.content,
        response: texts[row]!,
        ground_truth: prompt.row.groundTruth,
        ...(extracted === undefined ? {} : { extracted }),
        reward: rewards[row]!,
        ...(Object.keys(values).length === 1
          ? {}
          : { rewards: Object.fromEntries(Object.entries(values).map(([name, of]) => [name, of[row]!])) }),
        outcome,
        finish_reason: responses[row]!.finishReason,
        response_length: responses[row]!.tokens.length,
      },
    ];
  });
}

/** Seconds since the last lap, and since the start. */
function stopwatch(): { lap: () => number; total: () => number } {
  const start = performance.now();
  let last = start;
  return {
    lap() {
      const now = performance.now();
      const seconds = (now - last) / 1000;
      last = now;
      return seconds;
    },
    total: () => (performance.now() - start) / 1000,
  };
}
