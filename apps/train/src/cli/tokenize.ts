// `longcot tokenize`: token ids of texts, or of messages through the model's chat template.
import { addModelRowsCommand } from "./rows-command.ts";
import type { ModelFilesOptions, RowsWork } from "./rows-command.ts";
import type { AddCommand } from "./run-cli.ts";

/** Adds the command around `work`, which is loaded by the caller when it is first needed. */
export function tokenizeCommand(work: RowsWork<ModelFilesOptions>): AddCommand {
  return (program) => {
    addModelRowsCommand(program, "tokenize", work)
      .description('Tokenize: {"id","text"} or {"id","messages"} in, {"id","ids"} out, with the rendered "text" for messages.')
      .addHelpText(
        "after",
        "\nA text is encoded as it is, without special tokens of its own; messages with the assistant's turn opened.\n\nExample:\n  longcot tokenize --model DIR --input texts.jsonl --out ids.jsonl",
      );
  };
}
