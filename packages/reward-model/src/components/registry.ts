// Reward components that need nothing but the graded responses. A new one: a file with its function and a line here.
import { overlongPenalty } from "@longcot/ppo-loss";
import { formatReward } from "./format-reward.ts";
import type { GradedResponses } from "./graded-responses.ts";
import { lengthReward } from "./length-reward.ts";
import { repetitionPenalty } from "./repetition-penalty.ts";

/** Options of the components that have any. */
export interface ComponentOptions {
  readonly overlong: { readonly bufferLength: number };
  readonly repetition: { readonly n?: number | undefined };
}

const lengthsOf = ({ tokens }: GradedResponses): number[] => tokens.map(({ length }) => length);

/** By name: the component's value of every response [rows], before normalisation, clip and weight. */
export const rewardComponents = {
  verifier: ({ scores }: GradedResponses) => Float64Array.from(scores),
  format: (responses: GradedResponses) => formatReward(responses),
  length: (responses: GradedResponses) => lengthReward({ ...responses, lengths: lengthsOf(responses) }),
  overlong: (responses: GradedResponses, { bufferLength }: ComponentOptions["overlong"]) =>
    overlongPenalty({ lengths: lengthsOf(responses), maxLength: responses.maxLength, bufferLength }),
  repetition: ({ tokens }: GradedResponses, options: ComponentOptions["repetition"]) => repetitionPenalty({ tokens, ...options }),
} as const;

export type RewardComponentName = keyof typeof rewardComponents;
