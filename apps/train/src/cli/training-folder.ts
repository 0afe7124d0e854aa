// What the commands that train in a folder of their own share: options, the settings of a run that goes on, the folder that is closed whatever happens.
import { isDeepStrictEqual } from "node:util";
import { ConfigError } from "@longcot/errors";
import type { Command } from "commander";

/** Options that say where a training is and how it ends. */
export interface TrainingFolderFlags {
  run?: string;
  resume?: true;
  json?: true;
}

/** Adds `--recipe`, `--set`, `--run`, `--resume` and `--json`. */
export function addTrainingFolderOptions(command: Command): Command {
  return command
    .option("--recipe <file>", "a YAML file of all settings, instead of or beside the options above")
    .option(
      "--set <key=value>",
      "override a recipe's key, as often as needed; the value is YAML",
      (text: string, all: string[] | undefined) => [...(all ?? []), text],
    )
    .option("--run <dir>", "the run's folder (default: a new one in runs/)")
    .option("--resume", "go on with the run of --run where its newest checkpoint left it")
    .option("--json", "print the outcome as JSON on stdout");
}

/**
 * The settings of the training: `load`ed from the flags, or with `--resume` `read` from its folder.
 * @throws ConfigError where `--resume` has no `--run`, or flags that say something else than the folder.
 */
export function trainingRecipe<Flags extends object, Recipe>(
  { run, resume }: { run: string | undefined; resume: true | undefined },
  { flags, load, read }: { flags: Flags; load: (flags: Flags) => Recipe; read: (run: string) => Recipe },
): Recipe {
  if (resume !== true) return load(flags);
  if (run === undefined)
    throw new ConfigError({ who: "--resume", argument: "--run", expected: "the folder of the run to go on with", received: "nothing" });
  const recipe = read(run);
  if (Object.values(flags).some((value) => value !== undefined) && !isDeepStrictEqual(load(flags), recipe))
    throw new ConfigError({
      who: "--resume",
      expected: `the settings of ${run}, or none`,
      received: "others",
      fix: "Leave the options out, or start a new run",
    });
  return recipe;
}

/** Runs `work` with a way to open its folder, whose warnings are said, and closes the folder afterwards. */
export async function withTrainingFolder<Folder extends { close: () => void }, Outcome>(
  open: () => Promise<{ folder: Folder; warnings: readonly string[] }>,
  warn: (text: string) => void,
  work: (openFolder: () => Promise<Folder>) => Promise<Outcome>,
): Promise<Outcome> {
  let opened: Folder | undefined;
  try {
    return await work(async () => {
      const { folder, warnings } = await open();
      opened = folder;
      warnings.forEach(warn);
      return folder;
    });
  } finally {
    opened?.close();
  }
}
