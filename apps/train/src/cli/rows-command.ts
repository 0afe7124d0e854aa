// What score, generate and tokenize share: a model's folder, JSONL in, JSONL out, and one line about it at the end.
import type { Command } from "commander";
import { existingFile, existingFolder } from "./option-values.ts";

/** The options that every such command has; paths of model and input exist. */
export interface RowsOptions {
  model: string;
  input: string;
  out: string;
}

/** Does the work, writing `out` whole or not at all; returns how many rows went in and out. */
export type RowsWork<Options extends RowsOptions> = (options: Options) => Promise<RowsSummary>;

export interface RowsSummary {
  rows_in: number;
  rows_out: number;
}

/** Adds a command with the shared options and the action; the caller adds what is its own. */
export function addRowsCommand<Options extends RowsOptions>(program: Command, name: string, work: RowsWork<Options>): Command {
  return program
    .command(name)
    .requiredOption("--model <dir>", "a model in the Hugging Face layout", existingFolder)
    .requiredOption("--input <file>", "JSONL to read", existingFile)
    .requiredOption("--out <file>", "JSONL to write")
    .option("--json", "print the summary as JSON on stdout")
    .action(async ({ json, ...options }: Options & { json?: true }) => {
      const summary = await work(options as unknown as Options);
      const line =
        json === true
          ? JSON.stringify({ ...summary, out: options.out })
          : `${summary.rows_in} rows in, ${summary.rows_out} rows written to ${options.out}`;
      process.stdout.write(`${line}\n`);
    });
}
