// What a training on given texts will hold in memory at its peak: `sft` and `reward-model train`.

import { batchTime, generateBytes, optimizerBytes, scoreBytes, trainBytes, updateBytes, weightBytes } from "@longcot/language-model";
import type { GeneratePass, LoraOptions, ModelConfig } from "@longcot/language-model";
import type { MemoryPlan } from "../events.ts";
import { ALLOCATOR_OVERHEAD, planOf, programBytes } from "./memory-parts.ts";

/** Batches come in few shapes; with validation and, of `sft`, generation. */
const COMPILED_FUNCTIONS = 12;

export interface SupervisedWork {
  config: ModelConfig;
  /** Absent: all weights are trained. */
  lora?: LoraOptions | undefined;
  gradientCheckpointing: boolean;
  microBatchTokens: number;
  /** Tokens of the longest sequence that lies in a row, and how many sequences an update has. */
  longest: number;
  sequences: number;
  /** Answers of an evaluation; absent: none. */
  generation?: GeneratePass | undefined;
  /** Scores the examples before the first step, and is let go; absent: none. */
  teacher?: ModelConfig | undefined;
  /** Bytes of the examples and what belongs to them. */
  exampleBytes: number;
  limitGib: number | undefined;
}

export type SupervisedPlan = MemoryPlan<
  "program" | "weights" | "gradients" | "moments" | "examples",
  "teacher" | "validation" | "generation" | "train" | "update"
>;

/** The parts of a training's memory, bytes. */
export function planSupervisedMemory(work: SupervisedWork): SupervisedPlan {
  const { config, lora, teacher, generation } = work;
  const time = batchTime(work.longest, work.longest);
  const shape = { rows: Math.max(1, Math.min(Math.floor(work.microBatchTokens / time), work.sequences)), time };
  const { gradients, moments } = optimizerBytes(config, lora);
  const answers = generation === undefined ? { cache: 0, beside: 0 } : generateBytes(config, generation);
  // The teacher comes and goes before gradients and moments are there.
  const taught = teacher === undefined ? 0 : weightBytes(teacher) + ALLOCATOR_OVERHEAD * scoreBytes(teacher, shape) - gradients - moments;
  const held = {
    program: programBytes(config, COMPILED_FUNCTIONS),
    weights: weightBytes(config, lora),
    gradients,
    moments,
    examples: work.exampleBytes,
  };
  const phases = {
    teacher: Math.max(0, taught),
    validation: ALLOCATOR_OVERHEAD * scoreBytes(config, shape),
    generation: ALLOCATOR_OVERHEAD * (answers.cache + answers.beside),
    train: ALLOCATOR_OVERHEAD * trainBytes(config, { ...shape, gradientCheckpointing: work.gradientCheckpointing, lora }),
    update: ALLOCATOR_OVERHEAD * updateBytes(config, lora),
  };
  return planOf(held, phases, work.limitGib);
}
