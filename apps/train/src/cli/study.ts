// `longcot study`: a grid of runs over seeds in parallel processes, and one report that holds the paper's findings against it.
import { ConfigError } from "@longcot/errors";
import type { Finding } from "@longcot/entropy-dynamics";
import { defaultRunPath } from "../run/run-folder.ts";
import { existingFolder, positiveNumber, wholeNumber } from "./option-values.ts";
import { listenForInterrupt } from "./interrupt.ts";
import type { AddCommand } from "./run-cli.ts";

interface StudyFlags {
  recipe?: string;
  run?: string;
  resume?: true;
  set?: string[];
  jobs?: number;
  budget?: number;
  report?: string;
  json?: true;
}

const DEFAULT_STUDY = "entropy-quick";

/** Adds the command; what it needs is loaded when it runs. */
export const studyCommand: AddCommand = (program) => {
  program
    .command("study")
    .description("Run a grid of trainings over seeds, in parallel processes, and report what the paper's findings come to.")
    .option("--recipe <file|name>", `a study's YAML file, or the name of one in recipes/studies (default: ${DEFAULT_STUDY})`)
    .option("--run <dir>", "the study's folder (default: a new one in runs/)")
    .option("--resume", "go on with the study of --run: finished cells stay, others go on where they stopped")
    .option(
      "--set <key=value>",
      "override a key of the study, such as base.engine.threads=2 or 'seeds=[1]', as often as needed; the value is YAML",
      (text: string, all: string[] | undefined) => [...(all ?? []), text],
    )
    .option("--jobs <count>", "processes at once (default: as many as the machine's cores and memory hold)", wholeNumber(1))
    .option("--budget <minutes>", "end after so many minutes; --resume goes on", positiveNumber())
    .option("--report <dir>", "run nothing: write the report of a study's folder, or of a report's own data, again", existingFolder)
    .option("--json", "print events as JSON lines on stdout instead of progress")
    .addHelpText(
      "after",
      "\nExamples:\n  longcot study\n  longcot study --recipe my-study.yaml --jobs 4 --budget 60\n  longcot study --resume --run runs/entropy-quick-20261125-110000\n  longcot study --report docs/studies/entropy-quick",
    )
    .action(async (flags: StudyFlags) => {
      if (flags.report !== undefined) await reportAgain(flags.report, flags);
      else await study(flags);
    });
};

async function study(flags: StudyFlags): Promise<void> {
  const [
    { readStudySource, resolveStudy },
    folders,
    { runStudy, checkSameStudy },
    { createStudyProgress },
    { writeStudyReport },
    { writeCellTable },
  ] = await Promise.all([
    import("../study/load-study.ts"),
    import("../study/study-folder.ts"),
    import("../study/run-study.ts"),
    import("../study/study-progress.ts"),
    import("../study/write-study-report.ts"),
    import("../study/cell-table.ts"),
  ]);
  if (flags.resume === true && flags.run === undefined)
    throw new ConfigError({ who: "--resume", argument: "--run", expected: "the folder of the study to go on with", received: "nothing" });
  const isNew = flags.resume !== true;
  const asked =
    isNew || flags.recipe !== undefined || flags.set !== undefined
      ? resolveStudy({ ...readStudySource(flags.recipe ?? DEFAULT_STUDY), sets: flags.set ?? [] })
      : undefined;
  const planned = isNew ? asked! : resolveStudy(folders.readStudyRecipe(flags.run!));
  if (!isNew && asked !== undefined) checkSameStudy(flags.run!, planned, asked);
  if (flags.budget !== undefined) planned.recipe.budget_minutes = flags.budget;
  const path = flags.run ?? defaultRunPath(planned.recipe);
  const folder = isNew ? folders.createStudyFolder(path, planned.recipe) : new folders.StudyFolder(path);
  const progress = createStudyProgress(flags.json === true ? "json" : process.stdout.isTTY ? "panel" : "lines", process.stdout);
  const interrupt = listenForInterrupt(() =>
    progress.emit({ type: "notice", text: "stopping every run at its next safe point and saving; Ctrl-C again ends at once" }),
  );
  try {
    const status = await runStudy({
      study: planned,
      folder,
      signal: interrupt.signal,
      emit: progress.emit,
      ...(flags.jobs === undefined ? {} : { jobs: flags.jobs }),
    });
    const { page, findings } = writeStudyReport(path);
    const table = writeCellTable(planned, path);
    if (flags.json !== true) process.stdout.write(`${table}\n`);
    for (const text of flags.json === true ? [] : findingLines(findings)) process.stdout.write(`${text}\n`);
    progress.emit({ type: "done", status, folder: path, report: page });
    if (status === "interrupted") process.exitCode = interrupt.exitCode();
    else if (status !== "completed") process.exitCode = 1;
  } finally {
    interrupt.dispose();
    progress.close();
    folder.close();
  }
}

async function reportAgain(folder: string, flags: StudyFlags): Promise<void> {
  const stray = (["recipe", "run", "resume", "set", "jobs", "budget"] as const).find((flag) => flags[flag] !== undefined);
  if (stray !== undefined) throw new ConfigError({ who: `--${stray}`, expected: "absent, since --report runs nothing", received: "both" });
  const { writeStudyReport } = await import("../study/write-study-report.ts");
  const { page, findings } = writeStudyReport(folder);
  if (flags.json === true) process.stdout.write(`${JSON.stringify({ type: "report", report: page, findings })}\n`);
  else process.stdout.write([...findingLines(findings), `report: ${page}`, ""].join("\n"));
}

/** `agrees        more-sgd-steps  More SGD steps …`. */
function findingLines(findings: readonly Finding[]): string[] {
  return findings.map(({ verdict, claim }) => `${verdict.padEnd(13)} ${claim}`);
}
