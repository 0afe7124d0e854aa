// `longcot score`: log-probabilities and entropies of given token sequences.
import { addEngineOptions } from "./engine-options.ts";
import type { EngineFlags } from "./engine-options.ts";
import { positiveNumber } from "./option-values.ts";
import { addModelRowsCommand } from "./rows-command.ts";
import type { ModelFilesOptions, RowsWork } from "./rows-command.ts";
import type { AddCommand } from "./run-cli.ts";

export interface ScoreOptions extends ModelFilesOptions, EngineFlags {
  /** Logits are divided by it. */
  temperature: number;
}

/** Adds the command around `work`, which is loaded by the caller when it is first needed. */
export function scoreCommand(work: RowsWork<ScoreOptions>): AddCommand {
  return (program) => {
    addEngineOptions(
      addModelRowsCommand(program, "score", work)
        .description('Score sequences: {"id","input_ids":[…]} in, {"id","log_probs":[T−1],"entropies":[T−1]} out, in nats.')
        .option("--temperature <τ>", "logits are divided by it", positiveNumber(), 1),
    ).addHelpText(
      "after",
      "\nEntry t of both lists is about token t+1: its log-probability, and the entropy of the distribution that predicted it.\n\nExample:\n  longcot score --model DIR --input rows.jsonl --out scores.jsonl",
    );
  };
}
