// Every function that verl has too, against fixtures/losses.json and losses-masks.json: the results of verl 0.9.1's own functions in
// float64 on torch 2.15.0, on ragged rows with junk in the padding. LONGCOT_LOSSES_JSON names other files of the same form, by commas.
import { readFileSync } from "node:fs";

import { expectClose } from "@longcot/vitest-config/close-to";
import "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, test } from "vitest";

import {
  adaptiveKlController,
  advantageEstimators,
  fullKl,
  gaeAdvantages,
  klEstimate,
  klInReward,
  klPenalty,
  lossReduction,
  optimalTokenBaselineAdvantages,
  overlongPenalty,
  paddedLayout,
  policyLosses,
  reinforcePlusPlusAdvantages,
  remaxAdvantages,
  responseLengths,
  selectClipCovTokens,
  selectKlCovTokens,
  sumRowRewards,
  tokenEntropies,
  valueLoss,
  verlAdvantageEstimators,
  verlPolicyLosses,
  whitenTokens,
} from "./index.ts";
import type { AdvantageEstimatorName, Aggregation, KlEstimator, PolicyLossName, PolicyMetric, RowAdvantages } from "./index.ts";

type Grid = number[][];
type Params = Record<string, number> & { norm_adv_by_std_in_grpo?: boolean; handle_zero_tail?: boolean };
interface Case {
  name: string;
  group: string[];
  inputs: Record<string, Grid> & { logits: number[][][]; reward_baselines: number[] };
  advantages: { name: string; params: Params; advantages: Grid; returns: Grid }[];
  policy_losses: {
    name: string;
    loss_agg_mode: Aggregation;
    params: Params;
    inputs: string[];
    loss: number;
    metrics: Record<string, number>;
    grad_log_probs: Grid;
  }[];
  agg_loss: { loss_agg_mode: Aggregation; loss: number }[];
  kl_penalty: { kl_penalty: KlEstimator; kl: Grid; loss: number; grad_log_probs: Grid }[];
  kl_in_reward: { kl_ratio: number; rewards: Grid };
  entropy_loss: { entropy: Grid; loss: number; grad_logits: number[][][] };
  value_loss: { cliprange_value: number; loss_agg_mode: Aggregation; loss: number; clipfrac: number; grad_vpreds: Grid }[];
  masked_whiten: { shift_mean: boolean; out: Grid }[];
  overlong: {
    max_resp_len: number;
    overlong_buffer_len: number;
    penalty_factor: number;
    lengths: number[];
    scores: number[];
    reward: number[];
  }[];
}
interface Golden {
  cases: Case[];
  kl_controller: {
    init_kl_coef: number;
    target_kl: number;
    horizon: number;
    n_steps: number;
    current_kl: number[];
    value_after_update: number[];
  }[];
}
const files =
  process.env["LONGCOT_LOSSES_JSON"]?.split(",") ??
  ["losses.json", "losses-masks.json"].map((name) => new URL(`../fixtures/${name}`, import.meta.url));
const fixtures = files.map((file) => JSON.parse(readFileSync(file, "utf8")) as Golden);

/** float64 code, whitening (verl takes n / (n − 1) in float32), float32 code, and float32 gradients. */
const double = { atol: 1e-9, rtol: 1e-9 };
const whitened = { atol: 1e-7, rtol: 1e-7 };
const single = { atol: 1e-6, rtol: 1e-5 };
const gradient = { atol: 1e-7, rtol: 1e-4 };

beforeAll(async () => void (await tf.setBackend("cpu")));

describe.each(fixtures.flatMap(({ cases }) => cases))("case $name", (golden) => {
  const { inputs } = golden;
  const mask = inputs["response_mask"]!;
  const [rows, time] = [mask.length, mask[0]!.length];
  const layout = paddedLayout(rows, time, mask.flat());
  const lengths = responseLengths(layout);
  const ids = [...new Set(golden.group)];
  const groups = golden.group.map((name) => ids.indexOf(name));
  const flat = (name: string): number[] => inputs[name]!.flat();
  /** The values on response tokens, all others 0. */
  const masked = (values: ArrayLike<number>): number[] => Array.from(values, (value, i) => (mask.flat()[i]! > 0 ? value : 0));
  const overTokens = (perRow: ArrayLike<number>): number[] => mask.flatMap((row, i) => row.map((kept) => (kept > 0 ? perRow[i]! : 0)));
  const tensor = (name: string): tf.Tensor2D => tf.tensor2d(inputs[name]!);

  test.each(golden.advantages)("advantages: $name $params", ({ name, params, advantages, returns }) => {
    const ours = verlAdvantageEstimators[name] ?? (name as AdvantageEstimatorName);
    if (advantageEstimators[ours].level === "row") {
      const rewards = sumRowRewards({ tokenRewards: flat("token_level_rewards"), ...layout });
      const estimate = advantageEstimators[ours].estimate as (options: object) => RowAdvantages;
      const result = estimate({
        rewards,
        groups,
        lengths,
        epsilon: params["epsilon"],
        normalizeByStd: params.norm_adv_by_std_in_grpo,
        normalizer: params["f_norm"],
        loneResponse: name === "rloo_vectorized" ? "zero" : undefined,
      });
      // The vectorised forms of verl compute in float32 whatever they are given.
      expectClose(overTokens(result.advantages), advantages.flat(), name.endsWith("_vectorized") ? { atol: 1e-6, rtol: 1e-6 } : whitened);
      return;
    }
    const batch = { tokenRewards: flat("token_level_rewards_dense"), ...layout };
    const results = {
      gae: () => gaeAdvantages({ ...batch, values: flat("values"), gamma: params["gamma"], lambda: params["lam"] }),
      "reinforce++": () => reinforcePlusPlusAdvantages({ ...batch, gamma: params["gamma"] }),
      remax: () => remaxAdvantages({ ...batch, baselines: inputs.reward_baselines }),
      "optimal-token-baseline": () =>
        optimalTokenBaselineAdvantages({
          ...batch,
          groups,
          oldLogProbs: flat("old_log_probs"),
          sumPiSquared: flat("sum_pi_squared"),
          alignment: name.startsWith("tir") ? "response-token" : "column",
          zeroTail: params.handle_zero_tail,
          epsilon: params["epsilon"],
        }),
    };
    const result = results[ours as keyof typeof results]();
    expectClose(masked(result.advantages), masked(advantages.flat()), whitened);
    expectClose(masked(result.returns), masked(returns.flat()), double);
  });

  test.each(golden.policy_losses)(
    "policy loss: $name $loss_agg_mode $params",
    ({ name, loss_agg_mode, params, inputs: columns, ...expected }) => {
      const ours = verlPolicyLosses[name] ?? (name as PolicyLossName);
      const entry = policyLosses[ours];
      const aggregation = ours === "geo-mean" ? "seq-mean-token-mean" : loss_agg_mode;
      const { rowWeights, tokenDenominator } = lossReduction({
        aggregation,
        lengths,
        scaleFactor: params["loss_scale_factor"] ?? time,
        replicas: params["dp_size"],
        batchTokens: params["batch_num_tokens"],
        // verl's geo_mean averages over all rows, also those without tokens.
        batchSequences: ours === "geo-mean" ? rows : params["global_batch_size"],
      });
      const covariances = {
        logProbs: flat("log_probs"),
        oldLogProbs: flat("old_log_probs"),
        advantages: flat("advantages"),
        covRatio: params["clip_cov_ratio"] ?? params["kl_cov_ratio"],
        ...layout,
      };
      const select = {
        "clip-cov": () =>
          selectClipCovTokens({
            ...covariances,
            covLow: params["clip_cov_lb"],
            covHigh: params["clip_cov_ub"],
            clipLow: params["clip_ratio_low"],
            clipHigh: params["clip_ratio_high"],
            draw: (token) => token,
          }),
        "kl-cov": () => selectKlCovTokens(covariances),
      };
      // The ratio's bounds, and in DPPO the same parameters as bounds of a divergence.
      const [low, high, c] = [params["clip_ratio_low"], params["clip_ratio_high"], params["clip_ratio_c"]];
      let metrics!: Partial<Record<PolicyMetric, tf.Scalar>>;
      const { value, grad } = tf.valueAndGrad((logProbs) => {
        const result = entry.loss({
          logProbs: logProbs as tf.Tensor2D,
          oldLogProbs: tensor("old_log_probs"),
          advantages: tensor("advantages"),
          mask: tensor("response_mask"),
          rowWeights: tf.tensor1d(rowWeights),
          // verl's metrics are means over the tokens of the call.
          tokenDenominator: params["batch_num_tokens"] === undefined ? tokenDenominator : lengths.reduce((a, b) => a + b, 0),
          rolloutWeights: columns.includes("rollout_is_weights") ? tensor("rollout_is_weights") : undefined,
          selected: entry.selection === undefined ? undefined : tf.tensor2d(select[entry.selection](), [rows, time]),
          clipLow: low,
          clipHigh: high,
          dualClip: c,
          divergenceLow: low,
          divergenceHigh: high,
          ratioLimit: c,
          tauPositive: params["tau_pos"],
          tauNegative: params["tau_neg"],
          ppoKlCoefficient: params["ppo_kl_coef"],
          droBeta: params["dro_beta"],
        });
        for (const metric of Object.values(result.metrics)) tf.keep(metric);
        metrics = result.metrics;
        return result.loss;
      })(tensor("log_probs"));
      expectClose(value.dataSync(), [expected.loss], single, "loss");
      expectClose(grad.dataSync(), expected.grad_log_probs.flat(), gradient, "gradient");
      for (const [metric, wanted] of Object.entries(expected.metrics)) {
        const got = metrics[metric.replace("actor/", "") as PolicyMetric];
        // verl reports 0 for metrics that a loss does not have.
        expectClose(got === undefined ? [0] : got.dataSync(), [wanted], single, metric);
      }
    },
  );

  test.each(golden.agg_loss)("aggregation: $loss_agg_mode", ({ loss_agg_mode, loss }) => {
    const { rowWeights } = lossReduction({ aggregation: loss_agg_mode, lengths, scaleFactor: time });
    const sums = mask.map((row, i) => row.reduce((sum, kept, t) => sum + (kept > 0 ? inputs["advantages"]![i]![t]! : 0), 0));
    expectClose([sums.reduce((total, sum, i) => total + sum * rowWeights[i]!, 0)], [loss], single);
  });

  test.each(golden.kl_penalty)("KL penalty: $kl_penalty", ({ kl_penalty, kl, loss, grad_log_probs }) => {
    const difference = (logProbs: tf.Tensor): tf.Tensor => tf.sub(logProbs, tensor("ref_log_probs"));
    expectClose(klPenalty(difference(tensor("log_probs")), kl_penalty).dataSync(), kl.flat(), single);
    const plain = flat("log_probs").map((value, i) => klEstimate(value - flat("ref_log_probs")[i]!, kl_penalty));
    expectClose(plain, kl.flat(), { atol: 1e-9, rtol: 1e-7 });
    const total = lengths.reduce((a, b) => a + b, 0);
    const { value, grad } = tf.valueAndGrad(
      (logProbs) => tf.div(tf.sum(tf.mul(klPenalty(difference(logProbs), kl_penalty), tensor("response_mask"))), total) as tf.Scalar,
    )(tensor("log_probs"));
    expectClose(value.dataSync(), [loss], single);
    expectClose(grad.dataSync(), grad_log_probs.flat(), gradient);
  });

  test("KL in the reward", () => {
    const { tokenRewards } = klInReward({
      tokenRewards: flat("token_level_rewards"),
      oldLogProbs: flat("old_log_probs"),
      referenceLogProbs: flat("ref_log_probs"),
      coefficient: golden.kl_in_reward.kl_ratio,
      ...layout,
    });
    expectClose(masked(tokenRewards), masked(golden.kl_in_reward.rewards.flat()), double);
  });

  test("entropies and the gradient of their mean through the full softmax", () => {
    const { entropy, loss, grad_logits } = golden.entropy_loss;
    const total = lengths.reduce((a, b) => a + b, 0);
    expectClose(tokenEntropies(tf.tensor3d(inputs.logits)).dataSync(), entropy.flat(), single);
    const { value, grad } = tf.valueAndGrad(
      (logits) => tf.div(tf.sum(tf.mul(tokenEntropies(logits), tensor("response_mask"))), total) as tf.Scalar,
    )(tf.tensor3d(inputs.logits));
    expectClose(value.dataSync(), [loss], single);
    expectClose(grad.dataSync(), grad_logits.flat(2), gradient);
    expectClose(tokenEntropies(tf.tensor3d(inputs.logits), { topK: 7 }).dataSync(), entropy.flat(), single);
    expectClose(fullKl(tf.tensor3d(inputs.logits), tf.tensor3d(inputs.logits)).dataSync(), entropy.flat().fill(0), { atol: 1e-6 });
  });

  test.each(golden.value_loss)(
    "value loss: $cliprange_value $loss_agg_mode",
    ({ cliprange_value, loss_agg_mode, loss, clipfrac, grad_vpreds }) => {
      const { rowWeights, tokenDenominator } = lossReduction({ aggregation: loss_agg_mode, lengths, scaleFactor: time });
      let fraction!: tf.Scalar;
      const { value, grad } = tf.valueAndGrad((values) => {
        const result = valueLoss({
          values: values as tf.Tensor2D,
          oldValues: tensor("values"),
          returns: tensor("returns"),
          mask: tensor("response_mask"),
          rowWeights: tf.tensor1d(rowWeights),
          tokenDenominator,
          clipValue: cliprange_value,
        });
        fraction = tf.keep(result.metrics.vf_clipfrac);
        return result.loss;
      })(tensor("vpreds"));
      expectClose(value.dataSync(), [loss], single);
      expectClose(fraction.dataSync(), [clipfrac], single);
      expectClose(grad.dataSync(), grad_vpreds.flat(), gradient);
    },
  );

  test.each(golden.masked_whiten)("whitening, shift_mean $shift_mean", ({ shift_mean, out }) => {
    expectClose(masked(whitenTokens({ values: flat("advantages"), shiftMean: shift_mean, ...layout })), masked(out.flat()), whitened);
  });

  test.each(golden.overlong)("overlong penalty: $max_resp_len $overlong_buffer_len", (entry) => {
    const penalties = overlongPenalty({
      lengths: entry.lengths,
      maxLength: entry.max_resp_len,
      bufferLength: entry.overlong_buffer_len,
      factor: entry.penalty_factor,
    });
    expectClose(
      entry.scores.map((score, i) => score + penalties[i]!),
      entry.reward,
      single,
    );
  });
});

test.each(fixtures.flatMap((file) => file.kl_controller))("adaptive KL controller, target $target_kl", (trace) => {
  const controller = adaptiveKlController({ coefficient: trace.init_kl_coef, target: trace.target_kl, horizon: trace.horizon });
  expectClose(
    trace.current_kl.map((kl) => controller.observe(kl, trace.n_steps)),
    trace.value_after_update,
    { rtol: 1e-12 },
  );
});
