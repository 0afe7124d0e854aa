// `longcot generate`: samples (or the greedy continuation) of prompts.
import { Option } from "commander";
import { positiveNumber, wholeNumber } from "./option-values.ts";
import { addRowsCommand } from "./rows-command.ts";
import type { RowsOptions, RowsWork } from "./rows-command.ts";
import type { AddCommand } from "./run-cli.ts";

export interface GenerateOptions extends RowsOptions {
  /** Samples per prompt. */
  n: number;
  maxNewTokens: number;
  temperature: number;
  topP: number;
  seed: number;
  /** The likeliest token each time; the sampling options are at their defaults then and have no effect. */
  greedy: boolean;
}

/** Adds the command around `work`, which is loaded by the caller when it is first needed. */
export function generateCommand(work: RowsWork<GenerateOptions>): AddCommand {
  return (program) => {
    addRowsCommand(program, "generate", work)
      .description(
        'Continue prompts: {"id","prompt"|"messages"|"input_ids"} in, {"id","sample","output_ids","text","log_probs","finish_reason"} out.',
      )
      .option("--n <K>", "samples per prompt", wholeNumber(1), 1)
      .option("--max-new-tokens <N>", "cap on the response, tokens", wholeNumber(1), 256)
      .option("--temperature <τ>", "logits are divided by it", positiveNumber(), 1)
      .option("--top-p <p>", "sample from the likeliest tokens that make up this share", positiveNumber(1), 1)
      .option("--seed <s>", "seed of the samples", wholeNumber(0), 0)
      .addOption(new Option("--greedy", "the likeliest token each time").default(false).conflicts(["n", "temperature", "topP", "seed"]))
      .addHelpText(
        "after",
        "\nExample:\n  longcot generate --model DIR --input prompts.jsonl --out samples.jsonl --n 8 --max-new-tokens 512 --seed 1",
      );
  };
}
