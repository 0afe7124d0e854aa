// Runs the `longcot` program: parses, dispatches, and turns every failure into one line on stderr and an exit code.
import { isLongcotError } from "@longcot/errors";
import { Command, CommanderError } from "commander";

/** Adds one subcommand to the program; its action sets `process.exitCode` for ends that are neither success nor failure. */
export type AddCommand = (program: Command) => void;

/**
 * Runs the program on `args` (without node and script).
 * @returns the exit code: 0 for success and for help, 1 for any error, or what a command set (130 after Ctrl-C).
 */
export async function runCli(args: readonly string[], commands: readonly AddCommand[], version: string): Promise<number> {
  const program = new Command("longcot")
    .description("Reinforcement learning of long chain-of-thought language models.")
    .version(version, "--version", "print the version")
    .helpOption("-h, --help", "print this help")
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .showSuggestionAfterError();
  for (const add of commands) add(program);
  const named = program.commands.find((command) => command.name() === args[0]);
  const who = named === undefined ? "longcot" : `longcot ${named.name()}`;
  try {
    await program.parseAsync(args.length === 0 ? ["--help"] : args, { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    process.stderr.write(`${who}: ${errorLine(error)}\n`);
    if (isDebugging() && error instanceof Error) process.stderr.write(`${error.stack}\n`);
    return 1;
  }
}

/** The error in one line, as a user should read it. */
export function errorLine(error: unknown): string {
  if (error instanceof CommanderError) return oneLine(error.message.replace(/^error: /, ""));
  if (isLongcotError(error)) return error.message;
  const text = error instanceof Error ? `${error.name === "Error" ? "" : `${error.name}: `}${error.message}` : String(error);
  return `${oneLine(text)}${isDebugging() ? "" : " (LONGCOT_DEBUG=1 shows where)"}`;
}

function oneLine(text: string): string {
  return text.trim().replaceAll(/\s*\n\s*/g, " ");
}

function isDebugging(): boolean {
  return process.env["LONGCOT_DEBUG"] === "1";
}
