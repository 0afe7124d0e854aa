// Prompts as the loop uses them: token ids, a number, a level, and a keyed order that a resumed run draws again.

import { loadPrompts } from "@longcot/data-filter";
import type { PromptRow, RejectedRow } from "@longcot/data-filter";
import { DataError } from "@longcot/errors";
import type { Tokenizer } from "@longcot/language-model";
import { keyedUniform } from "@longcot/tensor-kernels";
import type { EmitEvent } from "../events.ts";
import { encodePrompt } from "../models/prompt-tokens.ts";

/** A prompt ready to be answered. */
export interface TrainingPrompt {
  /** Its place in the data set: keys random numbers and names it in rollouts. */
  index: number;
  row: PromptRow;
  tokens: Int32Array;
  /** `2` for a level, else the data source. */
  level: string;
}

/** What a row's figures are grouped by: `2` for a level, else the data source. */
export const groupOf = ({ level, dataSource }: PromptRow): string => (level === undefined ? dataSource : String(level));

/**
 * The prompts of `paths`, rendered with the chat template and encoded. Rows that cannot be used and prompts longer than `maxPromptLength`
 * are left out and counted in a notice.
 * @throws DataError where no prompt is left.
 */
export async function loadTrainingPrompts(
  paths: string | readonly string[],
  options: { tokenizer: Tokenizer; maxPromptLength: number; levels?: readonly number[] | undefined; emit: EmitEvent },
): Promise<TrainingPrompt[]> {
  const { tokenizer, maxPromptLength, levels, emit } = options;
  const files = typeof paths === "string" ? [paths] : [...paths];
  const { rows, rejected } = await loadPrompts(files, { onInvalid: "reject" });
  if (rejected.length > 0)
    emit({
      type: "warning",
      text: `${rejected.length} of ${rows.length + rejected.length} rows left out; first: ${describeRejected(rejected[0]!)}`,
    });
  const wanted = rows.filter((row) => levels === undefined || (row.level !== undefined && levels.includes(row.level)));
  const prompts = wanted.map((row, index): TrainingPrompt => ({
    index,
    row,
    level: groupOf(row),
    tokens: encodePrompt(tokenizer, row.messages),
  }));
  const fitting = prompts.filter((prompt) => prompt.tokens.length <= maxPromptLength);
  if (fitting.length < prompts.length)
    emit({
      type: "warning",
      text: `${prompts.length - fitting.length} of ${prompts.length} prompts are longer than data.max_prompt_length (${maxPromptLength} tokens) and left out`,
    });
  if (fitting.length === 0) {
    throw new DataError({
      who: files.join(", "),
      expected: "at least one usable prompt",
      received:
        rows.length === 0
          ? `none in ${rejected.length} rows${rejected[0] === undefined ? "" : `; first: ${describeRejected(rejected[0])}`}`
          : `${rows.length} rows, all left out by level or length`,
    });
  }
  return fitting;
}

function describeRejected({ row, column, expected, received }: RejectedRow): string {
  return `row ${row}, ${column} must be ${expected}, got ${received}`;
}

/**
 * The prompts of one step, all different: the next `count` of a keyed permutation of `prompts`, a new one per epoch. What is left of an
 * epoch when it cannot fill a step is left to later epochs, as in verl (its loader's `drop_last`). `draw` is the step's number within the
 * stage, from 0; `stage` and `seed` key the order. Prompts that are not `isWanted` are passed over and leave the order of the others as it is.
 * @throws DataError where there are fewer than `count` prompts.
 */
export function drawPrompts<T>(
  prompts: readonly T[],
  {
    count,
    draw,
    stage,
    seed,
    isWanted = () => true,
  }: { count: number; draw: number; stage: number; seed: number; isWanted?: (prompt: T) => boolean },
): T[] {
  const wanted = prompts.filter(isWanted).length;
  const stepsPerEpoch = Math.floor(wanted / count);
  if (stepsPerEpoch === 0)
    throw new DataError({
      who: "drawPrompts",
      argument: "prompts",
      expected: `at least the ${count} of a step`,
      received: String(wanted),
    });
  const order = keyedOrder(prompts.length, { seed, stage, epoch: Math.floor(draw / stepsPerEpoch) });
  const first = (draw % stepsPerEpoch) * count;
  return order
    .map((place) => prompts[place]!)
    .filter(isWanted)
    .slice(first, first + count);
}

/**
 * At most `count` of `prompts` that are not `taken` yet: those that a step refills with, keyed by seed, step and round. They come beside the
 * order of {@link drawPrompts}, which goes on as if they had not been drawn.
 */
export function drawMorePrompts<T>(
  prompts: readonly T[],
  { count, taken, seed, step, round }: { count: number; taken: readonly T[]; seed: number; step: number; round: number },
): T[] {
  const isTaken = new Set(taken);
  return keyedOrder(prompts.length, { seed, stage: step, epoch: REFILL_EPOCH + round })
    .map((place) => prompts[place]!)
    .filter((prompt) => !isTaken.has(prompt))
    .slice(0, count);
}

/** An epoch that no stage and no step's passes reach. */
const REFILL_EPOCH = 2 ** 31;

/** A permutation of 0 … length − 1, the same for the same key. */
export function keyedOrder(length: number, { seed, stage, epoch }: { seed: number; stage: number; epoch: number }): number[] {
  const order = Array.from({ length }, (_, i) => i);
  for (let last = length - 1; last > 0; last--) {
    const other = Math.floor(keyedUniform({ seed, step: stage, prompt: SHUFFLE_PROMPT, sample: epoch, position: last }) * (last + 1));
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}

/** A prompt number that no data set reaches: keeps the numbers of shuffles apart from those of sampling. */
const SHUFFLE_PROMPT = 2 ** 32 - 1;
