// The examples of a fine-tuning as tokens: read, encoded, too long ones left out or refused, some held back for validation.
import { loadExamples } from "@longcot/data-filter";
import { encodeExample } from "@longcot/distillation";
import type { Example } from "@longcot/distillation";
import { DataError } from "@longcot/errors";
import type { Tokenizer } from "@longcot/language-model";
import { keyedOrder } from "../training/prompts.ts";
import type { SftRecipe } from "./sft-recipe.ts";

export interface SftData {
  train: Example[];
  validation: Example[];
}

/** A stage number that no recipe reaches: keeps the split's draws apart from others. */
const SPLIT_STAGE = 2 ** 31;

/** @throws DataError where no example is left; ConfigError where messages need a chat template that is not there. */
export async function loadSftData(
  { data, seed }: SftRecipe,
  { tokenizer, positions, warn }: { tokenizer: Tokenizer; positions: number; warn: (text: string) => void },
): Promise<SftData> {
  const most = Math.min(data.max_length ?? positions, positions);
  const read = async (paths: string | string[]): Promise<Example[]> => {
    const { rows, rejected } = await loadExamples(paths, { onInvalid: "reject" });
    const [first] = rejected;
    if (first !== undefined)
      warn(
        `${rejected.length} of ${rows.length + rejected.length} rows left out; first: row ${first.row}, ${first.column} must be ${first.expected}, got ${first.received}`,
      );
    const examples = rows.map((row) => encodeExample(tokenizer, row));
    const long = examples.findIndex(({ tokens }) => tokens.length > most);
    if (long >= 0 && data.overlong === "error")
      throw new DataError({
        who: [paths].flat().join(", "),
        argument: `example ${rows[long]!.exampleId}`,
        expected: `at most ${most} tokens`,
        received: String(examples[long]!.tokens.length),
        fix: "Raise data.max_length, or leave such examples out with data.overlong: drop",
      });
    const fitting = examples.filter(({ tokens }) => tokens.length <= most);
    if (fitting.length < examples.length)
      warn(`${examples.length - fitting.length} of ${examples.length} examples are longer than ${most} tokens and left out`);
    if (fitting.length === 0)
      throw new DataError({
        who: [paths].flat().join(", "),
        expected: `an example of at most ${most} tokens`,
        received: `${examples.length}, all longer`,
      });
    return fitting;
  };
  const all = await read(data.train);
  if (data.validation !== undefined) return { train: all, validation: await read(data.validation) };
  const held = Math.round(all.length * data.validation_fraction);
  const order = keyedOrder(all.length, { seed, stage: SPLIT_STAGE, epoch: 0 });
  const isHeld = new Set(order.slice(0, held));
  return { train: all.filter((_, i) => !isHeld.has(i)), validation: all.filter((_, i) => isHeld.has(i)) };
}
