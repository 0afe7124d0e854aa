// `longcot tokenize`: token ids of texts, or of messages through the model's chat template.
import { addRowsCommand } from "./rows-command.ts";
import type { RowsOptions, RowsWork } from "./rows-command.ts";
import type { AddCommand } from "./run-cli.ts";

/** Adds the command around `work`, which is loaded by the caller when it is first needed. */
export function tokenizeCommand(work: RowsWork<RowsOptions>): AddCommand {
  return (program) => {
    addRowsCommand(program, "tokenize", work)
      .description('Tokenize: {"id","text"} or {"id","messages"} in, {"id","ids"} out, with the rendered "text" for messages.')
      .addHelpText("after", "\nExample:\n  longcot tokenize --model DIR --input texts.jsonl --out ids.jsonl");
  };
}
