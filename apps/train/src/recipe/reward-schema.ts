// The rewards of a stage: named components, each with its weight, scale and clip.
import type { RewardNormalization, StepAggregation } from "@longcot/reward-model";
import { z } from "zod";
import { count, pathString, positive } from "./fields.ts";

const normalizations = ["none", "sigmoid", "group", "batch"] as const satisfies RewardNormalization[];

const aggregations = ["min", "prod", "last", "mean"] as const satisfies StepAggregation[];

export const rewardFunction = z.strictObject({
  /** A module that grades every response: .ts, .js or .py. */
  path: pathString,
  /** Absent: the default export, `compute_score` (verl) or `reward_func` (trl). */
  name: z.string().min(1).optional(),
  /** How it is called: as verl's compute_score(data_source, solution_str, ground_truth, extra_info), or as TRL's reward functions. */
  signature: z.enum(["verl", "trl"]).default("verl"),
  /** Of one call; then its process is killed and the outcome is `timeout`. */
  timeout_s: positive.default(30),
  /** Interpreter of a .py module; absent: python3 of PATH. */
  python: pathString.optional(),
});

/** How a component enters the sum: weight · clip(normalize(value)). */
const term = z.strictObject({
  /** Below 0 it takes away; 0 only logs it. */
  weight: z.number().default(1),
  /** `sigmoid`; `group`, `batch`: (value − mean) / std over the responses to a prompt, or of the step. */
  normalize: z.enum(normalizations).default("none"),
  /** Least and most after normalisation; absent: none. */
  clip: z.tuple([z.number(), z.number()]).optional(),
});

/** Components of a stage's reward; only those that are named count. */
export const stageRewards = z.strictObject({
  /** The verifier's score. */
  verifier: term.optional(),
  /** 1 for a response that ends by itself, closes its reasoning once and marks an answer behind it. */
  format: term.optional(),
  /** Kimi k1.5's: 0.5 for the shortest of a group to −0.5 for the longest; wrong responses only lose. */
  length: term.optional(),
  /** DAPO's soft penalty: 0 to −1 over the last tokens before the stage's context_length. */
  overlong: term.extend({ buffer_length: count }).optional(),
  /** −(n-grams said before in the response) / (its n-grams). */
  repetition: term.extend({ ngram: count.default(4) }).optional(),
  /** A reward model's score of prompt and answer, unbounded; `normalize: sigmoid` brings it between 0 and 1. */
  reward_model: term.extend({ model: pathString }).optional(),
  /** What a process reward model's judgement of an answer's steps comes to, from 0 to 1. */
  process: term.extend({ model: pathString, aggregate: z.enum(aggregations).default("min") }).optional(),
  /** A function of one's own; it also sees responses that were cut. */
  function: term.extend(rewardFunction.shape).optional(),
});

export type StageRewards = z.output<typeof stageRewards>;
export type RewardComponent = keyof StageRewards;
export type RewardTerm = z.output<typeof term>;
export type RewardFunctionSettings = z.output<typeof rewardFunction>;

/** The components that `rewards` names. */
export const namedComponents = (rewards: StageRewards): [RewardComponent, RewardTerm][] =>
  Object.entries(rewards) as [RewardComponent, RewardTerm][];
