// Every algorithm of this package by name, with what it needs beside the batch: the app reads it, and so can you.
//
// To add one: write `advantages/<name>.ts` or `policy/<name>.ts` with its function, its docstring and its test, export
// it from `index.ts`, and add one line to `policyLosses` or `advantageEstimators`; recipes that name it then find it.
import { gaeAdvantages } from "./advantages/gae.ts";
import { gpgAdvantages } from "./advantages/gpg.ts";
import type { RowAdvantages } from "./advantages/group-estimate.ts";
import { grpoPasskAdvantages } from "./advantages/grpo-passk.ts";
import { grpoAdvantages } from "./advantages/grpo.ts";
import { opoAdvantages } from "./advantages/opo.ts";
import { optimalTokenBaselineAdvantages } from "./advantages/optimal-token-baseline.ts";
import { reinforcePlusPlusBaselineAdvantages } from "./advantages/reinforce-plus-plus-baseline.ts";
import { reinforcePlusPlusAdvantages } from "./advantages/reinforce-plus-plus.ts";
import { remaxAdvantages } from "./advantages/remax.ts";
import { rlooAdvantages } from "./advantages/rloo.ts";
import type { TokenAdvantages } from "./advantages/token-estimate.ts";
import type { Aggregation } from "./aggregation.ts";
import { cispoLoss } from "./policy/cispo.ts";
import { clipCovLoss } from "./policy/clip-cov.ts";
import type { ClipCovSettings } from "./policy/clip-cov.ts";
import type { DualClipSettings } from "./policy/clipped-surrogate.ts";
import { dapoLoss } from "./policy/dapo.ts";
import { dppoKlLoss, dppoTvLoss } from "./policy/dppo.ts";
import type { DppoSettings } from "./policy/dppo.ts";
import { drGrpoLoss } from "./policy/dr-grpo.ts";
import { droLoss } from "./policy/dro.ts";
import type { DroSettings } from "./policy/dro.ts";
import { geoMeanLoss } from "./policy/geo-mean.ts";
import { gpgLoss } from "./policy/gpg.ts";
import { grpoLoss } from "./policy/grpo.ts";
import { gspoLoss } from "./policy/gspo.ts";
import { klCovLoss } from "./policy/kl-cov.ts";
import type { KlCovSettings } from "./policy/kl-cov.ts";
import { magicLoss } from "./policy/magic.ts";
import type { PolicyLossInputs, PolicyLossResult, PolicyMetric } from "./policy/policy-loss.ts";
import { ppoLoss } from "./policy/ppo.ts";
import { sapoLoss } from "./policy/sapo.ts";
import type { SapoSettings } from "./policy/sapo.ts";

/** Settings of all policy losses; each reads those that its entry lists. */
export type PolicyLossSettings = DualClipSettings & ClipCovSettings & KlCovSettings & DppoSettings & DroSettings & SapoSettings;

export type PolicyLossSetting = Exclude<keyof PolicyLossSettings, "selected">;

/** A policy loss and what it needs. */
export interface PolicyLossEntry {
  readonly loss: (inputs: PolicyLossInputs & PolicyLossSettings) => PolicyLossResult;
  /** The aggregation that its paper has; `rowWeights` decide. */
  readonly aggregation: Aggregation;
  /** The settings that it reads, with their defaults (undefined: off, or to be given); others have no effect. */
  readonly settings: Readonly<Partial<Record<PolicyLossSetting, number | undefined>>>;
  /** Which tokens `selected` must name, chosen over the whole batch of an update. Absent: it takes none. */
  readonly selection?: "clip-cov" | "kl-cov";
  /** What it measures, beside `entropy_loss` and `kl_loss` of its optional terms. */
  readonly metrics: readonly PolicyMetric[];
}

const CLIP = { clipLow: 0.2, clipHigh: 0.2 } as const;
const CLIPPED = ["pg_loss", "pg_clipfrac", "ppo_kl"] as const;
const SURROGATE = [...CLIPPED, "ratio_mean", "ratio_max"] as const;
const DIVERGENCE = { divergenceLow: 0.2, divergenceHigh: 0.2, ratioLimit: 20 } as const;

const losses = {
  magic: { loss: magicLoss, aggregation: "token-mean", settings: CLIP, metrics: SURROGATE },
  ppo: { loss: ppoLoss, aggregation: "token-mean", settings: { ...CLIP, dualClip: 3 }, metrics: [...SURROGATE, "pg_clipfrac_lower"] },
  grpo: { loss: grpoLoss, aggregation: "seq-mean-token-mean", settings: CLIP, metrics: SURROGATE },
  "dr-grpo": { loss: drGrpoLoss, aggregation: "seq-mean-token-sum-norm", settings: CLIP, metrics: SURROGATE },
  dapo: { loss: dapoLoss, aggregation: "token-mean", settings: { clipLow: 0.2, clipHigh: 0.28, dualClip: undefined }, metrics: SURROGATE },
  gspo: { loss: gspoLoss, aggregation: "seq-mean-token-mean", settings: { clipLow: 3e-4, clipHigh: 4e-4 }, metrics: CLIPPED },
  cispo: { loss: cispoLoss, aggregation: "token-mean", settings: CLIP, metrics: CLIPPED },
  sapo: {
    loss: sapoLoss,
    aggregation: "seq-mean-token-mean",
    settings: { tauPositive: 1, tauNegative: 1.05 },
    metrics: ["pg_loss", "ppo_kl"],
  },
  gpg: { loss: gpgLoss, aggregation: "token-mean", settings: {}, metrics: ["pg_loss", "ppo_kl"] },
  "geo-mean": {
    loss: geoMeanLoss,
    aggregation: "seq-mean-token-mean",
    settings: { clipLow: 0.4, clipHigh: 0.4 },
    metrics: [...CLIPPED, "pg_clipfrac_lower"],
  },
  "clip-cov": { loss: clipCovLoss, aggregation: "token-mean", settings: CLIP, selection: "clip-cov", metrics: CLIPPED },
  "kl-cov": {
    loss: klCovLoss,
    aggregation: "token-mean",
    settings: { ppoKlCoefficient: 1 },
    selection: "kl-cov",
    metrics: ["pg_loss", "ppo_kl"],
  },
  "dppo-tv": { loss: dppoTvLoss, aggregation: "token-mean", settings: DIVERGENCE, metrics: [...CLIPPED, "pg_clipfrac_lower"] },
  "dppo-kl": { loss: dppoKlLoss, aggregation: "token-mean", settings: DIVERGENCE, metrics: [...CLIPPED, "pg_clipfrac_lower"] },
  dro: { loss: droLoss, aggregation: "token-mean", settings: { droBeta: undefined }, metrics: ["pg_loss", "ppo_kl"] },
} as const satisfies Readonly<Record<string, PolicyLossEntry>>;

export type PolicyLossName = keyof typeof losses;

/** Policy losses by name. */
export const policyLosses: Readonly<Record<PolicyLossName, PolicyLossEntry>> = losses;

/** verl's `loss_mode` names of these losses, where they differ. */
export const verlPolicyLosses: Readonly<Record<string, PolicyLossName>> = {
  vanilla: "ppo",
  geo_mean: "geo-mean",
  clip_cov: "clip-cov",
  kl_cov: "kl-cov",
  dppo_tv: "dppo-tv",
  dppo_kl: "dppo-kl",
};

/** Options that only some estimators read. */
export type AdvantageSetting = "normalizeByStd" | "gamma" | "lambda" | "whiten";

/**
 * Advantage estimators by name. `row` estimators take rewards [rows] and groups and give one advantage per response; `token` estimators take
 * rewards [tokens] and give one per token, and returns. `needs` are the columns beyond those, `settings` the options that it reads, with their
 * defaults.
 */
export const advantageEstimators = {
  grpo: { level: "row", estimate: grpoAdvantages, needs: [], settings: { normalizeByStd: true } },
  "grpo-passk": { level: "row", estimate: grpoPasskAdvantages, needs: [], settings: { normalizeByStd: true } },
  rloo: { level: "row", estimate: rlooAdvantages, needs: [], settings: {} },
  opo: { level: "row", estimate: opoAdvantages, needs: ["lengths"], settings: {} },
  gpg: { level: "row", estimate: gpgAdvantages, needs: [], settings: {} },
  "reinforce++-baseline": { level: "row", estimate: reinforcePlusPlusBaselineAdvantages, needs: ["lengths"], settings: {} },
  "reinforce++": { level: "token", estimate: reinforcePlusPlusAdvantages, needs: [], settings: { gamma: 1 } },
  gae: { level: "token", estimate: gaeAdvantages, needs: ["values"], settings: { gamma: 1, lambda: 1, whiten: true } },
  remax: { level: "token", estimate: remaxAdvantages, needs: ["baselines"], settings: {} },
  "optimal-token-baseline": {
    level: "token",
    estimate: optimalTokenBaselineAdvantages,
    needs: ["oldLogProbs", "sumPiSquared", "groups"],
    settings: {},
  },
} as const satisfies Readonly<
  Record<
    string,
    {
      readonly level: "row" | "token";
      readonly estimate: (options: never) => RowAdvantages | TokenAdvantages;
      readonly needs: readonly string[];
      readonly settings: Readonly<Partial<Record<AdvantageSetting, number | boolean>>>;
    }
  >
>;

export type AdvantageEstimatorName = keyof typeof advantageEstimators;

/** verl's `adv_estimator` names of these estimators, where they differ. */
export const verlAdvantageEstimators: Readonly<Record<string, AdvantageEstimatorName>> = {
  grpo_vectorized: "grpo",
  grpo_passk: "grpo-passk",
  rloo_vectorized: "rloo",
  reinforce_plus_plus: "reinforce++",
  reinforce_plus_plus_baseline: "reinforce++-baseline",
  optimal_token_baseline: "optimal-token-baseline",
  tir_optimal_token_baseline: "optimal-token-baseline",
};
