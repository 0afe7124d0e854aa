// By hand; the same functions are held to verl's in golden.test.ts where the fixture has them.
import { expectClose } from "@longcot/vitest-config/close-to";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { importanceWeights } from "./importance-weights.ts";
import { offPolicyMetrics } from "./off-policy-metrics.ts";
import { rejectRolloutTokens } from "./rollout-rejection.ts";

const [ln2, ln3] = [Math.log(2), Math.log(3)];
/** Ratios 3, 1/3 and 1 in two responses; the last token of the first is padding. */
const batch = {
  oldLogProbs: [-1, -1, Number.NaN, -1],
  rolloutLogProbs: [-1 - ln3, -1 + ln3, 9, -1],
  offsets: [0, 3, 4],
  mask: [1, 1, 0, 1],
};
const exact = { atol: 1e-12 };

describe("importance weights", () => {
  test("truncated by token", () => {
    const { weights, metrics } = importanceWeights({ ...batch, high: 2 });
    expectClose(weights, [2, 1 / 3, 0, 1], exact);
    expectClose([metrics["rollout_is_mean"]!, metrics["rollout_is_max"]!, metrics["rollout_is_min"]!], [10 / 9, 2, 1 / 3], exact);
    expectClose([metrics["rollout_is_ratio_fraction_high"]!, metrics["rollout_is_ratio_fraction_low"]!], [1 / 3, 1 / 3], exact);
    expectClose([metrics["rollout_is_eff_sample_size"]!], [(10 / 9) ** 2 / ((4 + 1 / 9 + 1) / 3)], { rtol: 1e-7 });
  });

  test("IcePop masks what is outside its band", () => {
    const { weights, metrics } = importanceWeights({ ...batch, low: 0.5, high: 2 });
    expectClose(weights, [0, 0, 0, 1], exact);
    expectClose([metrics["rollout_is_oob_ratio"]!], [2 / 3], exact);
  });

  test("by sequence, and normalised to mean 1", () => {
    expectClose(importanceWeights({ ...batch, level: "sequence" }).weights, [1, 1, 0, 1], exact);
    const { weights, metrics } = importanceWeights({ ...batch, high: 2, normalize: true });
    expectClose(
      weights,
      [2, 1 / 3, 0, 1].map((weight) => weight * 0.9),
      exact,
    );
    expectClose([metrics["rollout_is_batch_norm_factor"]!], [10 / 9], exact);
  });

  test("refuses bounds that are no band, and a batch without tokens", () => {
    expect(() => importanceWeights({ ...batch, low: 3, high: 2 })).toThrow(
      "importanceWeights: low must be above 0 and at most high (2), got 3",
    );
    expect(() => importanceWeights({ ...batch, mask: [0, 0, 0, 0] })).toThrow("at least one response token");
  });
});

describe("rejection", () => {
  const rules = (criterion: Parameters<typeof rejectRolloutTokens>[0]["rules"][number]["criterion"], high: number) => [{ criterion, high }];
  test("by token: k3 of ratios 3 and 1/3 is 2 − ln 3 and ln 3 − 2/3", () => {
    expect([...rejectRolloutTokens({ ...batch, rules: rules("token_k3", 0.5) }).mask]).toEqual([0, 1, 0, 1]);
    const { mask, metrics } = rejectRolloutTokens({ ...batch, rules: rules("token_k1", 2) });
    expect([...mask]).toEqual([0, 0, 0, 1]);
    expectClose([metrics["rollout_rs_masked_fraction"]!, metrics["rollout_rs_seq_masked_fraction"]!], [2 / 3, 1 / 2], exact);
  });
  test("by response: sums cancel, maxima do not", () => {
    expect([...rejectRolloutTokens({ ...batch, rules: rules("seq_sum_k1", 1.01) }).mask]).toEqual([1, 1, 0, 1]);
    expect([...rejectRolloutTokens({ ...batch, rules: rules("seq_max_k2", ln2) }).mask]).toEqual([1, 1, 0, 1]);
    expect([...rejectRolloutTokens({ ...batch, rules: rules("seq_max_k2", 0.6) }).mask]).toEqual([0, 0, 0, 1]);
    expect([...rejectRolloutTokens({ ...batch, rules: [...rules("seq_sum_k1", 1.01), ...rules("seq_mean_k3", 0.5)] }).mask]).toEqual([
      0, 0, 0, 1,
    ]);
  });
  test("refuses unknown criteria and low bounds without a sign", () => {
    expect(() => rejectRolloutTokens({ ...batch, rules: rules("seq_max_k1" as "seq_max_k2", 1) })).toThrow(
      "criterion must be one of token_k1",
    );
    expect(() => rejectRolloutTokens({ ...batch, rules: [{ criterion: "token_k2", high: 1, low: 0.5 }] })).toThrow("low must be absent");
  });
});

test("off-policy metrics by hand", () => {
  const metrics = offPolicyMetrics(batch);
  expectClose([metrics.kl, metrics.k3_kl], [0, (3 - ln3 - 1 + 1 / 3 + ln3 - 1) / 3], exact);
  expectClose([metrics.chi2_token, metrics.chi2_seq], [(9 + 1 / 9 + 1) / 3 - 1, 0], exact);
  expectClose([metrics.training_ppl, metrics.rollout_ppl, metrics.log_ppl_abs_diff], [Math.E, Math.E, 0], exact);
});

test("a sampler that is the trainer has weights 1 and no divergence, whatever its log-probabilities", () => {
  const column = fc.array(fc.double({ min: -80, max: 0, noNaN: true }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(column, (logProbs) => {
      const same = { oldLogProbs: logProbs, rolloutLogProbs: logProbs, offsets: [0, logProbs.length] };
      expectClose(
        importanceWeights(same).weights,
        logProbs.map(() => 1),
        exact,
      );
      const { kl, k3_kl, chi2_token, chi2_seq, log_ppl_abs_diff } = offPolicyMetrics(same);
      expectClose([kl, k3_kl, chi2_token, chi2_seq, log_ppl_abs_diff], [0, 0, 0, 0, 0], exact);
    }),
    { seed: 5, numRuns: 50 },
  );
});
