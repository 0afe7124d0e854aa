// `longcot inspect`: a run's rollouts, from the table of its steps down to the tokens of one response.
import { Argument, Option } from "commander";
import { existingFolder, wholeNumber } from "./option-values.ts";
import type { AddCommand } from "./run-cli.ts";

export interface InspectJob {
  run: string;
  step?: number;
  prompt?: number;
  sample?: number;
  shade: "log-prob" | "entropy";
  color: "auto" | "always" | "never";
  json?: true;
  export?: string;
}

/** Adds the command around `inspect`, which is loaded by the caller when it is first needed. */
export function inspectCommand(inspect: (job: InspectJob) => Promise<void>): AddCommand {
  return (program) => {
    program
      .command("inspect")
      .description(
        "Look at the rollouts of a run, finished, crashed or still going: steps, groups, rewards, the text of responses token by token.",
      )
      .addArgument(new Argument("<run>", "the run's folder").argParser(existingFolder))
      .option("--step <N>", "the groups of this step", wholeNumber(0))
      .option("--prompt <ID>", "this prompt: its responses with --step, else how it went over the steps", wholeNumber(0))
      .option("--sample <S>", "only this response, with --step and --prompt", wholeNumber(0))
      .addOption(new Option("--shade <what>", "what the colour behind a token means").choices(["log-prob", "entropy"]).default("log-prob"))
      .addOption(
        new Option("--color <when>", "colours: auto where stdout is a terminal").choices(["auto", "always", "never"]).default("auto"),
      )
      .option("--export <file>", "write the rows with their texts to a .jsonl or .parquet file instead")
      .option("--json", "print one JSON document on stdout")
      .addHelpText(
        "after",
        "\nUnderlined tokens are among the fifth of their step with the highest entropy.\n\nExamples:\n  longcot inspect runs/quickstart-20261125-101112\n  longcot inspect RUN --step 12\n  longcot inspect RUN --step 12 --prompt 345 --shade entropy | less -R\n  longcot inspect RUN --step 12 --export step-12.parquet",
      )
      .action(async (run: string, flags: Omit<InspectJob, "run">) => inspect({ run, ...flags }));
  };
}
