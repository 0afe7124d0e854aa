// What a step's rollouts say of the policy's entropy and of its responses, under the names of docs/metrics.md.

import {
  advantageCovariance,
  entropyByKey,
  forkingTokens,
  gradientScales,
  meanByPosition,
  meanEntropy,
  reflectionRates,
  repetitionRate,
  responseDiversity,
} from "@longcot/entropy-dynamics";
import type { Rollouts } from "@longcot/rollout-buffer";
import type { Metrics } from "../events.ts";

/** Measures over the tokens of kept groups; `kept` are rows, `alpha` the step's weight of the entropy bonus. */
export function entropyMetrics(rollouts: Rollouts, kept: Iterable<number>, alpha: number): Metrics {
  const { values: entropies, offsets } = rollouts.viewPerToken("entropies");
  const { values: logProbs } = rollouts.viewPerToken("old_log_probs");
  const advantages = rollouts.viewPerRow("advantage");
  const mask = new Uint8Array(entropies.length);
  for (const row of kept) mask.fill(1, offsets[row]!, offsets[row + 1]!);

  const fork = forkingTokens({ entropies, mask });
  const covariance = advantageCovariance({ logProbs, entropies, advantages, offsets, mask });
  const scales = gradientScales({ logProbs, advantages, offsets, mask, entropyCoefficient: alpha });
  const byKey = (name: string, column: "data_source" | "outcome"): [string, number | undefined][] =>
    [...entropyByKey({ entropies, offsets, mask, keys: rollouts.copyCategories(column) })].map(([key, { meanNats }]) => [
      `entropy/${name}/${key}`,
      meanNats,
    ]);
  const byPosition = meanByPosition({ values: entropies, offsets, mask }).map((value, decile): [string, number | undefined] => [
    `entropy/position/${decile + 1}`,
    value,
  ]);
  return {
    "entropy/mean": meanEntropy({ entropies, mask }),
    "entropy/forking/mean": fork.meanNats,
    "entropy/forking/threshold": fork.thresholdNats,
    "entropy/forking/share": fork.entropyShare,
    "entropy/advantage_cov": covariance.entropy,
    "entropy/log_prob_advantage_cov": covariance.logProb,
    "entropy/log_prob_advantage_corr": covariance.logProbCorrelation,
    ...(rollouts.has("top_k_mass") ? topKMass(rollouts, mask) : {}),
    ...Object.fromEntries(Object.entries(scales).map(([name, value]) => [`actor/${name}`, value])),
    ...Object.fromEntries(
      [...byKey("source", "data_source"), ...byKey("outcome", "outcome"), ...byPosition].filter(
        (entry): entry is [string, number] => entry[1] !== undefined,
      ),
    ),
  };
}

/** Mean probability of the k likeliest tokens together: of all counted tokens, by data source, by verdict and by tenth of the response. */
function topKMass(rollouts: Rollouts, mask: Uint8Array): Metrics {
  const { values, offsets } = rollouts.viewPerToken("top_k_mass");
  const by = (name: string, column: "data_source" | "outcome") =>
    [...entropyByKey({ entropies: values, offsets, mask, keys: rollouts.copyCategories(column) })].map(
      ([key, { meanNats }]) => [`${name}/${key}`, meanNats] as const,
    );
  const parts = [
    ["mean", meanEntropy({ entropies: values, mask })] as const,
    ...by("source", "data_source"),
    ...by("outcome", "outcome"),
    ...meanByPosition({ values, offsets, mask }).map((value, decile) => [`position/${decile + 1}`, value] as const),
  ];
  return Object.fromEntries(parts.flatMap(([name, value]) => (value === undefined ? [] : [[`entropy/top_k_mass/${name}`, value]])));
}

/** Mean entropy over the tokens of all responses, rejected groups included: what the policy's entropy is, whatever the reward says. */
export function policyEntropy(rollouts: Rollouts): Metrics {
  return { "entropy/all": meanEntropy({ entropies: rollouts.viewPerToken("entropies").values }) };
}

/** Measures over all responses of the step, rejected groups included; `answers` are what the verifier read out of each. */
export function responseMetrics(
  responses: readonly Int32Array[],
  texts: readonly string[],
  answers: readonly (string | undefined)[],
  groupSize: number,
): Metrics {
  const { distinctAnswerShare, ngramOverlap } = responseDiversity({ responses, answers, groupSize });
  const reflection = reflectionRates(texts)!;
  const optional = { "response/ngram_overlap": ngramOverlap, "response/repetition": repetitionRate(responses) };
  return {
    "response/distinct_answers": distinctAnswerShare,
    "response/reflection_check": reflection.responses.check,
    "response/reflection_turn": reflection.responses.turn,
    ...Object.fromEntries(Object.entries(optional).filter((entry): entry is [string, number] => entry[1] !== undefined)),
  };
}
