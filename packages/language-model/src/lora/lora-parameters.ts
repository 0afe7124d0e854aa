// The parameters of LoRA adapters: two thin matrices beside each adapted projection, y = x·W + scale · (x·A)·B.
// Source: arXiv 2106.09685 §4.1; tensor names and shapes as PEFT writes them.

import { ConfigError } from "@longcot/errors";
import type { Parameter } from "../architectures/architecture.ts";
import type { ModelParameter } from "../model/model-parameters.ts";

/** The linear layers of a decoder block, by PEFT's names. */
export const LORA_TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"] as const;
export type LoraTarget = (typeof LORA_TARGETS)[number];

export interface LoraOptions {
  /** Columns of A, rows of B. */
  rank: number;
  /** The adapter's product is multiplied by alpha / rank. */
  alpha: number;
  /** Projections that get an adapter, in every layer; default: all of {@link LORA_TARGETS}. */
  targets?: readonly LoraTarget[];
}

/** The adapters of a model, and how they were asked for. */
export interface LoraAdapter extends Required<LoraOptions> {
  readonly parameters: readonly ModelParameter[];
  /** The directory or hub name of the weights that it was trained on, for those who load it. */
  readonly base: string;
}

/** What an adapter is written as in PEFT's files, after the name of the tensor's module. */
const PEFT_PREFIX = "base_model.model.";

/** Our name of A for the projections that `parameter` holds side by side: theirs are side by side too, `[in, rank · adapted parts]`. */
export const loraDownName = (parameter: string): string => `${parameter}/lora_A`;
/** Our name of B, `[rank, out]`, for part `part` of `parameter`. */
export const loraUpName = (parameter: string, part: number): string => `${parameter}/lora_B.${part}`;

/** The adapters' parameters for `base`, a model's own, in its order. @throws ConfigError for options that make no adapter. */
export function loraParameters(base: readonly Parameter[], { rank, targets = LORA_TARGETS }: LoraOptions): Parameter[] {
  if (!Number.isInteger(rank) || rank < 1)
    throw new ConfigError({ who: "lora", argument: "rank", expected: "a positive integer", received: String(rank) });
  const unknown = targets.find((target) => !LORA_TARGETS.includes(target));
  if (unknown !== undefined || targets.length === 0)
    throw new ConfigError({
      who: "lora",
      argument: "targets",
      expected: `some of ${LORA_TARGETS.join(", ")}`,
      received: unknown ?? "none",
    });
  return base.flatMap((parameter): Parameter[] => {
    const adapted = parameter.parts.flatMap(({ tensor, shape }, part) => {
      const module = /^(?<path>.*\.(?<target>\w+))\.weight$/.exec(tensor)?.groups;
      if (module === undefined || !(targets as readonly string[]).includes(module["target"]!)) return [];
      return [{ part, path: module["path"]!, outSize: shape[0]! }];
    });
    if (adapted.length === 0) return [];
    const inSize = parameter.shape[0]!;
    const down: Parameter = {
      name: loraDownName(parameter.name),
      shape: [inSize, rank * adapted.length],
      decayed: true,
      initial: "normal",
      parts: adapted.map(({ path }) => ({ tensor: `${PEFT_PREFIX}${path}.lora_A.weight`, shape: [rank, inSize] })),
      layout: "columns",
    };
    const ups = adapted.map(({ part, path, outSize }): Parameter => ({
      name: loraUpName(parameter.name, part),
      shape: [rank, outSize],
      decayed: true,
      initial: 0,
      parts: [{ tensor: `${PEFT_PREFIX}${path}.lora_B.weight`, shape: [outSize, rank] }],
      layout: "columns",
    }));
    return [down, ...ups];
  });
}
