// What a step learns from its rollouts: advantages, the policy loss, KL to a reference, the correction between sampler and trainer, and which
// groups are left out. Names are those of `@longcot/ppo-loss`; verl's are accepted where they differ.
import {
  advantageEstimators,
  aggregations,
  klEstimators,
  policyLosses,
  rejectionCriteria,
  truncationMasks,
  verlAdvantageEstimators,
  verlPolicyLosses,
} from "@longcot/ppo-loss";
import type { AdvantageEstimatorName, AdvantageSetting, PolicyLossName, PolicyLossSetting } from "@longcot/ppo-loss";
import { z } from "zod";
import { definedOnly } from "./defined-only.ts";
import { count, positive } from "./fields.ts";

const share = z.number().gt(0).max(1);

/** One of `names`, or another word for one. */
const named = <Name extends string>(names: readonly Name[], aliases: Readonly<Record<string, Name>>) =>
  z.preprocess((value) => (typeof value === "string" && Object.hasOwn(aliases, value) ? aliases[value] : value), z.enum(names));

const estimators = Object.keys(advantageEstimators) as AdvantageEstimatorName[];

const advantageKeys = z.strictObject({
  /** How rewards become advantages. */
  estimator: named(estimators, { group_normalized: "grpo", ...verlAdvantageEstimators }).default("grpo"),
  /** Of grpo and grpo-passk: whether to divide by the group's standard deviation (Dr. GRPO: false). */
  normalize_by_std: z.boolean().optional(),
  /** Whether advantages are shifted to mean 0 and scaled to variance 1 over the tokens of the step. Default: of gae; the two reinforce++ always are. */
  whiten: z.boolean().optional(),
  /** Of reinforce++ and gae: discount per token. */
  gamma: z.number().min(0).max(1).optional(),
  /** Of gae: 0 trusts the critic, 1 the return. */
  lambda: z.number().min(0).max(1).optional(),
  /** Truncated responses: kept as they are, left out before group statistics, or zeroed after them. */
  truncation_mask: z.enum(truncationMasks).default("none"),
  /** `zero`: a response cut at the cap earns 0 (paper); `graded`: its text is graded all the same (released code). */
  truncated_reward: z.enum(["zero", "graded"]).default("zero"),
});

type AdvantageKeys = z.output<typeof advantageKeys>;

/** Keys of {@link advantageDefaults} by the settings of the registry. */
const ADVANTAGE_KEYS = { normalizeByStd: "normalize_by_std", gamma: "gamma", lambda: "lambda", whiten: "whiten" } as const satisfies Record<
  AdvantageSetting,
  keyof AdvantageKeys
>;

/** The optional keys that an estimator reads, with their defaults. */
export function advantageDefaults(estimator: AdvantageEstimatorName): Readonly<Record<string, number | boolean>> {
  const { level, settings } = advantageEstimators[estimator];
  const own = Object.entries(settings).map(([setting, value]) => [ADVANTAGE_KEYS[setting as AdvantageSetting], value]);
  const isWhitened = estimator === "reinforce++-baseline";
  return { ...(level === "row" && !isWhitened ? { whiten: false } : {}), ...Object.fromEntries(own) };
}

export const advantagesSchema = advantageKeys.transform(({ estimator, ...given }) => ({
  estimator,
  ...(advantageDefaults(estimator) as Partial<AdvantageKeys>),
  ...given,
}));

const lossNames = Object.keys(policyLosses) as PolicyLossName[];

const lossKeys = z.strictObject({
  name: named(lossNames, verlPolicyLosses).default("magic"),
  /** How token losses become one number; absent: as the loss's paper has it. */
  aggregation: z.enum(aggregations).optional(),
  /** `exact`: over the whole mini-batch, however it is cut; `per_micro_batch`: the rule of Skywork-OR1's released code, which depends on the cut. */
  denominator: z.enum(["exact", "per_micro_batch"]).default("exact"),
  /** The ratio is clipped to 1 − clip_low … 1 + clip_high; absent: as the loss's paper has it. */
  clip_low: z.number().gt(0).lt(1).optional(),
  clip_high: positive.optional(),
  /** c of ppo and dapo: where the advantage is negative, the loss of a token is at most −c·A. */
  dual_clip: z.number().gt(1).optional(),
  /** sapo: how fast tokens with a positive (other) advantage fade out. */
  tau_positive: positive.optional(),
  tau_negative: positive.optional(),
  /** kl-cov: weight of |log ratio| on the chosen tokens. */
  ppo_kl_coefficient: z.number().min(0).optional(),
  /** clip-cov and kl-cov: share of the tokens that is chosen, and for clip-cov the covariances among which. */
  cov_ratio: share.optional(),
  cov_low: z.number().optional(),
  cov_high: z.number().optional(),
  /** dppo-tv and dppo-kl: largest divergence of a token that gets less (more) likely, and largest ratio. */
  divergence_low: positive.optional(),
  divergence_high: positive.optional(),
  ratio_limit: positive.optional(),
  /** dro: weight of the squared log-ratio. */
  dro_beta: positive.optional(),
  /** How groups become mini-batches: dealt in a shuffled order, or also so that each has about as many tokens. */
  mini_batches: z.enum(["shuffled", "token_balanced"]).default("shuffled"),
  /** Most tokens (prompt and response) in one forward and backward pass. */
  micro_batch_tokens: count.default(16_384),
});

type LossKeys = z.output<typeof lossKeys>;

/** The recipe's key for a setting of a policy loss: `clip_low` for `clipLow`. */
export const lossKey = (setting: PolicyLossSetting): keyof LossKeys =>
  setting.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) as keyof LossKeys;

/** Defaults of the selection of tokens. */
const SELECTIONS = {
  "clip-cov": { cov_ratio: 2e-4, cov_low: 1, cov_high: 5 },
  "kl-cov": { cov_ratio: 2e-4 },
} as const;

/** The keys beside its name that a loss reads, with their defaults; undefined: off, or to be given. */
export function lossDefaults(name: PolicyLossName): Partial<LossKeys> {
  const { settings, selection } = policyLosses[name];
  const own = Object.entries(settings).map(([setting, value]) => [lossKey(setting as PolicyLossSetting), value]);
  return { ...Object.fromEntries(own), ...(selection === undefined ? {} : SELECTIONS[selection]) };
}

export const lossSchema = lossKeys.transform(({ name, ...given }) => ({
  name,
  ...definedOnly(lossDefaults(name)),
  ...given,
  aggregation: given.aggregation ?? policyLosses[name].aggregation,
}));

const klKeys = z.strictObject({
  /** `loss`: a term of the loss, with gradient; `reward`: taken off the rewards of the tokens. */
  in: z.enum(["loss", "reward"]),
  coefficient: positive.default(0.001),
  /**
   * Of KL(policy ‖ reference) from sampled tokens; absent: k3 in the loss, k1 in the reward. With a +, the gradient of k2. `full`, in the loss
   * only: no estimate, but the sum over the vocabulary, for which the reference runs in every update.
   */
  estimator: z.enum([...klEstimators, "full"]).optional(),
  /** The coefficient follows the measured KL; absent: it stays. In the reward only. */
  adaptive: z
    .strictObject({
      /** KL to hold, nats per token. */
      target: positive.default(0.1),
      /** Responses over which a lasting error of 20 % changes the coefficient by about as much. */
      horizon: positive.default(10_000),
    })
    .optional(),
  /** A folder, or a name on the hub; absent: the policy before its first step of reinforcement learning. */
  reference: z.string().min(1).optional(),
});

export const klSchema = klKeys.transform(({ estimator, ...kl }) => ({ ...kl, estimator: estimator ?? (kl.in === "loss" ? "k3" : "k1") }));

export const rolloutCorrectionSchema = z.strictObject({
  /** Tokens are weighted by trainer over sampler; absent: not. */
  importance_weights: z
    .strictObject({
      /** The ratio of the token, or the product of its response's. */
      level: z.enum(["token", "sequence"]).default("token"),
      /** Larger ratios are truncated to it (TIS); with `low`, set to 0 (IcePop). */
      high: positive.default(2),
      low: positive.optional(),
      /** Divide by the mean weight. */
      normalize: z.boolean().default(false),
    })
    .optional(),
  /** Tokens or responses that are too far from the sampler are left out; absent: none. */
  rejection: z
    .array(
      z.strictObject({
        criterion: z.enum(rejectionCriteria),
        /** Largest divergence; of k1 the largest ratio. */
        high: positive,
        /** Of k1 the smallest ratio; absent: 1 / high. */
        low: positive.optional(),
      }),
    )
    .min(1)
    .optional(),
});

export type Advantages = z.output<typeof advantagesSchema>;
export type LossSettings = z.output<typeof lossSchema>;
export type KlSettings = z.output<typeof klSchema>;
export type RolloutCorrection = z.output<typeof rolloutCorrectionSchema>;
