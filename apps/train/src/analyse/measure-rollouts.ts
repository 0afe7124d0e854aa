// The measures of a step read again from its rollout file: those that the run logged, and entropy by level and by how a response ended.

import { entropyByKey } from "@longcot/entropy-dynamics";
import type { Tokenizer } from "@longcot/language-model";
import type { Rollouts } from "@longcot/rollout-buffer";
import { extractAnswer } from "@longcot/verifiers";
import type { MathPolicy } from "@longcot/verifiers";
import type { Metrics } from "../events.ts";
import type { Recipe } from "../recipe/schema.ts";
import { entropyMetrics, policyEntropy, responseMetrics } from "../training/entropy-metrics.ts";

/** How the texts of responses are read; undefined where no tokenizer is left of the run. */
export interface TextReader {
  tokenizer: Tokenizer;
  policy: MathPolicy;
}

/** Measures of one step; `alpha` is the weight of the entropy bonus that the run logged for it. */
export function measureRollouts(rollouts: Rollouts, recipe: Recipe, alpha: number, reader: TextReader | undefined): Metrics {
  const kept = keptRows(rollouts, recipe);
  return {
    ...policyEntropy(rollouts),
    "critic/score/mean": mean(rollouts.viewPerRow("reward")),
    "batch/kept_ratio": kept.length / rollouts.length,
    ...(kept.length === 0 ? {} : { ...entropyMetrics(rollouts, kept, alpha), ...breakdowns(rollouts, kept) }),
    ...(reader === undefined ? {} : textMetrics(rollouts, reader)),
  };
}

/** Rows that the step was trained on: groups with an advantage, or all where the recipe rejects none. */
export function keptRows(rollouts: Rollouts, { rejection }: Recipe): number[] {
  const advantages = rollouts.viewPerRow("advantage");
  return [...rollouts.groups()].flatMap(({ from, to }) => {
    const rows = Array.from({ length: to - from }, (_, i) => from + i);
    return !rejection.zero_advantage || rows.some((row) => advantages[row] !== 0) ? rows : [];
  });
}

function breakdowns(rollouts: Rollouts, kept: readonly number[]): Metrics {
  const { values: entropies, offsets } = rollouts.viewPerToken("entropies");
  const { values: logProbs } = rollouts.viewPerToken("old_log_probs");
  const mask = new Uint8Array(entropies.length);
  for (const row of kept) mask.fill(1, offsets[row]!, offsets[row + 1]!);
  const by = (name: string, keys: readonly (string | number)[], values: ArrayLike<number>) =>
    Object.fromEntries(
      [...entropyByKey({ entropies: values, offsets, mask, keys })].flatMap(([key, { meanNats }]) =>
        meanNats === undefined ? [] : [[`entropy/${name}/${key}`, meanNats]],
      ),
    );
  const levels = rollouts.has("level") ? by("level", Array.from(rollouts.viewPerRow("level")), entropies) : {};
  const negative = Float64Array.from(logProbs, (value) => -value);
  return {
    ...levels,
    ...by("finish_reason", rollouts.copyCategories("finish_reason"), entropies),
    ...by("monte_carlo/source", rollouts.copyCategories("data_source"), negative),
    ...by("monte_carlo/outcome", rollouts.copyCategories("outcome"), negative),
  };
}

function textMetrics(rollouts: Rollouts, { tokenizer, policy }: TextReader): Metrics {
  const responses = [...rollouts.lists("response_tokens")].map((tokens) => Int32Array.from(tokens));
  const texts = responses.map((tokens) => tokenizer.decode(tokens, { skipSpecialTokens: true }));
  // A response that was cut has no answer, as in the run.
  const reasons = rollouts.copyCategories("finish_reason");
  const answers = texts.map((text, row) => {
    const extraction = reasons[row] === "length" ? undefined : extractAnswer(text, policy);
    return extraction?.found === true ? extraction.answer : undefined;
  });
  const groups = [...rollouts.groups()];
  return responseMetrics(responses, texts, answers, groups[0]!.to - groups[0]!.from);
}

function mean(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
}
