// The pass over one batch of examples that every supervised trainer shares: sequences packed into rows, sums over their completion tokens.
import { planBatches } from "@longcot/language-model";
import type { LanguageModel } from "@longcot/language-model";
import { ConfigError } from "@longcot/errors";
import { completionLength, type Example } from "./example.ts";

/** A packed part of the batch: `inputIds [rows, time] int32`, `mask [rows, time] f32` (1 at completion tokens), and where each example begins. */
export interface PackedExamples<E extends Example> extends Omit<ReturnType<typeof planBatches>[number], "indices"> {
  readonly inputIds: Int32Array;
  readonly mask: Float32Array;
  /** `[1] f32`: completion tokens of the whole batch. */
  readonly denominator: Float32Array;
  /** Each example with the place of its first token in `inputIds`. */
  readonly placed: readonly { readonly example: E; readonly start: number }[];
}

/**
 * Hands `accumulate` the parts of a batch one by one; returns its completion tokens and the sum over the parts of each number that it returns.
 * @throws ConfigError under the name of `who` for a batch without completion tokens.
 */
export async function accumulateExamples<E extends Example, Name extends string>(
  { model, examples, batchTokens, who }: { model: LanguageModel; examples: readonly E[]; batchTokens: number; who: string },
  names: readonly Name[],
  accumulate: (part: PackedExamples<E>) => Promise<Record<Name, number>>,
): Promise<{ tokens: number; sums: Record<Name, number> }> {
  const tokens = examples.reduce((sum, example) => sum + completionLength(example), 0);
  if (tokens === 0) throw new ConfigError({ who, argument: "examples", expected: "at least one completion token", received: "none" });
  const denominator = Float32Array.of(tokens);
  const sums = Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
  for (const { indices, ...shape } of planBatches(
    examples.map((example) => example.tokens.length),
    { batchTokens, most: model.config.maxPositionEmbeddings },
  )) {
    const { rows, time } = shape;
    const inputIds = new Int32Array(rows * time);
    const mask = new Float32Array(rows * time);
    const placed = indices.map((index, row) => ({ example: examples[index]!, start: row * time }));
    for (const { example, start } of placed) {
      inputIds.set(example.tokens, start);
      mask.fill(1, start + example.promptLength, start + example.tokens.length);
    }
    const part = await accumulate({ ...shape, inputIds, mask, denominator, placed });
    for (const name of names) sums[name] += part[name];
  }
  return { tokens, sums };
}
