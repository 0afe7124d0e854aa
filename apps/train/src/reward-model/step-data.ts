// Labelled steps of files as tokens.
import { loadStepwise } from "@longcot/data-filter";
import { DataError } from "@longcot/errors";
import type { Tokenizer } from "@longcot/language-model";
import type { LabelledSteps } from "@longcot/reward-model";
import { encodeSteps } from "./encode-steps.ts";

/** An answer with what its measures need. */
export interface EncodedAnswer extends LabelledSteps {
  values: readonly number[];
  labels: readonly boolean[];
  /** Tokens of the answer. */
  length: number;
}

export interface StepData {
  answers: EncodedAnswer[];
  /** What stands between steps, the same in all rows. */
  separator: string;
}

/**
 * The answers of `paths`; rows that cannot be used and answers longer than `most` tokens are left out and told of by `warn`.
 * @param options.targets what is learnt: soft labels, or hard ones as 1 and 0.
 * @throws DataError where no answer is left, or separators differ.
 */
export async function loadLabelledSteps(
  paths: string | readonly string[],
  { tokenizer, most, targets, warn }: { tokenizer: Tokenizer; most: number; targets: "soft" | "hard"; warn: (text: string) => void },
): Promise<StepData> {
  const { rows, rejected } = await loadStepwise(paths, { onInvalid: "reject" });
  const who = [paths].flat().join(", ");
  const [first] = rejected;
  if (first !== undefined)
    warn(
      `${rejected.length} of ${rows.length + rejected.length} answers left out; first: row ${first.row}, ${first.column} must be ${first.expected}, got ${first.received}`,
    );
  const separators = [...new Set(rows.map(({ separator }) => separator))];
  if (separators.length > 1)
    throw new DataError({
      who,
      argument: "step_separator",
      expected: "one for all rows",
      received: separators.map((separator) => JSON.stringify(separator)).join(", "),
    });
  const answers = rows.map(({ prompt, completions, labels, values, separator }): EncodedAnswer => {
    const { tokens, ends, length } = encodeSteps(tokenizer, { prompt, steps: completions, separator });
    return { tokens, ends, length, labels, values, targets: targets === "soft" ? values : labels.map(Number) };
  });
  const fitting = answers.filter(({ tokens }) => tokens.length <= most);
  if (fitting.length < answers.length)
    warn(`${answers.length - fitting.length} of ${answers.length} answers are longer than ${most} tokens and left out`);
  if (fitting.length === 0)
    throw new DataError({ who, expected: `an answer of at most ${most} tokens`, received: `${answers.length}, all longer` });
  return { answers: fitting, separator: separators[0]! };
}
