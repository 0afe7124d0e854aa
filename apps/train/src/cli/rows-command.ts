// What score, generate, tokenize and grade share: JSONL in, JSONL out, and one line about it at the end.
import type { Command } from "commander";
import { existingFile } from "./option-values.ts";

/** The options that every such command has; the input exists. */
export interface FilesOptions {
  input: string;
  out: string;
}

/** Those of a command that needs a model. */
export interface ModelFilesOptions extends FilesOptions {
  /** Its folder, once the work begins. */
  model: string;
}

/** Does the work, writing `out` whole or not at all; returns how many rows went in and out. */
export type RowsWork<Options extends FilesOptions> = (options: Options) => Promise<RowsSummary>;

export interface RowsSummary {
  rows_in: number;
  rows_out: number;
  /** What computed, where the command needs an engine. */
  engine?: string;
}

/** Adds a command with the shared options and the action; the caller adds what is its own. */
export function addRowsCommand<Options extends FilesOptions>(program: Command, name: string, work: RowsWork<Options>): Command {
  return program
    .command(name)
    .requiredOption("--input <file>", "JSONL to read", existingFile)
    .requiredOption("--out <file>", "JSONL to write")
    .option("--json", "print the summary as JSON on stdout")
    .action(async ({ json, ...options }: Options & { json?: true }) => {
      const start = performance.now();
      const summary = await work(options as unknown as Options);
      const seconds = (performance.now() - start) / 1000;
      const line =
        json === true
          ? JSON.stringify({ ...summary, out: options.out, seconds: Number(seconds.toFixed(3)) })
          : `${summary.rows_in} rows in, ${summary.rows_out} rows written to ${options.out} in ${seconds.toFixed(1)} s${summary.engine === undefined ? "" : ` (${summary.engine})`}`;
      process.stdout.write(`${line}\n`);
    });
}

/** {@link addRowsCommand} with a model, fetched from the hub where it is not on this machine. */
export function addModelRowsCommand<Options extends ModelFilesOptions>(program: Command, name: string, work: RowsWork<Options>): Command {
  const resolved: RowsWork<Options> = async (options) => {
    const { resolveModel } = await import("../models/resolve-model.ts");
    return work({ ...options, model: await resolveModel(options.model) });
  };
  return addRowsCommand(program, name, resolved).requiredOption(
    "--model <dir>",
    "a model in the Hugging Face layout, or adapters in PEFT's: a folder, or a name on the hub (owner/name@revision)",
  );
}
