// `longcot generate`: samples (or the greedy continuation) of prompts.
import { Option } from "commander";
import { addEngineOptions } from "./engine-options.ts";
import type { EngineFlags } from "./engine-options.ts";
import { positiveNumber, wholeNumber } from "./option-values.ts";
import { addModelRowsCommand } from "./rows-command.ts";
import type { ModelFilesOptions, RowsWork } from "./rows-command.ts";
import type { AddCommand } from "./run-cli.ts";

/** The cap on a response where none is given and the model's positions allow it. */
export const DEFAULT_MAX_NEW_TOKENS = 512;

export interface GenerateOptions extends ModelFilesOptions, EngineFlags {
  /** Samples per prompt. */
  n: number;
  /** Undefined: {@link DEFAULT_MAX_NEW_TOKENS}, or what the model's positions leave for the longest prompt. */
  maxNewTokens?: number;
  temperature: number;
  topP: number;
  /** Undefined: all tokens. */
  topK?: number;
  seed: number;
  /** The likeliest token each time; the sampling options are at their defaults then and have no effect. */
  greedy: boolean;
}

/** Adds the command around `work`, which is loaded by the caller when it is first needed. */
export function generateCommand(work: RowsWork<GenerateOptions>): AddCommand {
  return (program) => {
    addEngineOptions(
      addModelRowsCommand(program, "generate", work)
        .description(
          'Continue prompts: {"id","prompt"|"messages"|"input_ids"} in, {"id","sample","output_ids","text","log_probs","finish_reason"} out.',
        )
        .option("--n <K>", "samples per prompt", wholeNumber(1), 1)
        .option(
          "--max-new-tokens <N>",
          `cap on the response, tokens (default: ${DEFAULT_MAX_NEW_TOKENS}, or what the model's positions leave for the longest prompt)`,
          wholeNumber(1),
        )
        .option("--temperature <τ>", "logits are divided by it", positiveNumber(), 1)
        .option("--top-p <p>", "sample from the likeliest tokens that make up this share", positiveNumber(1), 1)
        .option("--top-k <k>", "sample from this many likeliest tokens (default: all)", wholeNumber(1))
        .option("--seed <s>", "seed of the samples", wholeNumber(0), 0)
        .addOption(
          new Option("--greedy", "the likeliest token each time").default(false).conflicts(["n", "temperature", "topP", "topK", "seed"]),
        ),
    ).addHelpText(
      "after",
      "\nA prompt is encoded as it is; messages go through the model's chat template, with the assistant's turn opened. output_ids hold the\nend token where the response has one, text leaves special tokens out. log_probs (nats) are those of the model at the temperature,\nbefore top-p and top-k. A sample depends on model, prompt, its row's number, its own number and the seed alone.\n\nExample:\n  longcot generate --model DIR --input prompts.jsonl --out samples.jsonl --n 8 --max-new-tokens 512 --seed 1",
    );
  };
}
