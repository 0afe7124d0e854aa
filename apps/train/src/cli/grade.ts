// `longcot grade`: verdicts on responses, in processes of their own.
import { wholeNumber } from "./option-values.ts";
import { addRowsCommand } from "./rows-command.ts";
import type { FilesOptions, RowsWork } from "./rows-command.ts";
import type { AddCommand } from "./run-cli.ts";

export interface GradeOptions extends FilesOptions {
  /** Grading processes; undefined: the processors, at most 4. */
  jobs?: number;
}

/** Adds the command around `work`, which is loaded by the caller when it is first needed. */
export function gradeCommand(work: RowsWork<GradeOptions>): AddCommand {
  return (program) => {
    addRowsCommand(program, "grade", work)
      .description('Grade responses: {"id","ability","response","ground_truth"} in, {"id","score","outcome","extracted"?} out.')
      .option("--jobs <N>", "grading processes (default: the processors, at most 4)", wholeNumber(1))
      .addHelpText(
        "after",
        '\nability is "math" ("code" has no grader yet); ground_truth a text, or a list of texts that are all accepted.\n\nExample:\n  longcot grade --input responses.jsonl --out grades.jsonl --jobs 2',
      );
  };
}
