// `longcot filter`: problems through a pipeline of steps, and a report of what was dropped and why.
import type { FilterFlags, FilterRecipe } from "../filter/filter-recipe.ts";
import type { FilterJob, FilterOutcome } from "../filter/run-filter.ts";
import { runInterruptible } from "./interruptible.ts";
import { existingFile, existingFolder, wholeNumber } from "./option-values.ts";
import type { AddCommand } from "./run-cli.ts";

export interface FilterWork {
  loadFilterRecipe: (flags: FilterFlags) => FilterRecipe;
  runFilter: (job: FilterJob) => Promise<FilterOutcome>;
}

/** Adds the command; `load` brings its work when it is first needed. */
export function filterCommand(load: () => Promise<FilterWork>): AddCommand {
  return (program) => {
    program
      .command("filter")
      .description(
        "Filter problems: schema, statements, lengths, answers, programs, duplicates, contamination, difficulty, votes; mix sources.",
      )
      .option("--recipe <file>", "a YAML file of sources and steps; or the options below", existingFile)
      .option(
        "--input <files...>",
        "parquet, JSONL, JSON, CSV or Arrow files, glob patterns, or owner/name[:split] of a data set on the hub",
      )
      .requiredOption("--out <path>", "a .parquet or .jsonl file, or a folder; the report is written beside it")
      .option("--steps <names...>", "only these steps (default: all that the options give what they need)")
      .option("--benchmark <files...>", "benchmarks whose problems must not be in the data")
      .option("--embeddings <model@url>", "also drop problems that say the same in other words, by embeddings of this model")
      .option("--tokenizer <dir>", "count prompt tokens with this model's tokenizer and chat template", existingFolder)
      .option("--max-prompt-tokens <N>", "longest prompt (default: 2048)", wholeNumber(1))
      .option("--difficulty-model <name>", "drop what this key of extra_info.model_difficulty never or always solved")
      .option("--measure <model>", "count the failures of this model: a folder, a name on the hub, or with --server its name there")
      .option("--server <url>", "with --measure: an OpenAI-compatible API, such as http://localhost:8000/v1 (key: OPENAI_API_KEY)")
      .option("--rollouts <N>", "answers to each problem that failures are counted of (default: 16)", wholeNumber(1))
      .option("--max-tokens <N>", "with --measure: cap on an answer", wholeNumber(1))
      .option("--judges <model@url...>", "let these models vote on the quality of math problems")
      .option("--votes <N>", "with --judges: votes of each on each problem (default: 16)", wholeNumber(1))
      .option("--keep-votes <N>", "with --judges: valid votes of all that a problem needs to stay (default: 9)", wholeNumber(1))
      .option("--set <key=value>", "override a recipe's key, as often as needed", (text: string, all: string[] | undefined) => [
        ...(all ?? []),
        text,
      ])
      .option("--json", "print the report as JSON on stdout")
      .addHelpText(
        "after",
        "\nAn interrupted run goes on with the step that was not done when it is started again with the same --out.\n\nExamples:\n  longcot filter --input math.parquet --benchmark aime24.parquet aime25.parquet --out clean/\n  longcot filter --input AI-MO/NuminaMath-1.5 --out numina/\n  longcot filter --input 'raw/*.jsonl' --steps duplicates --out unique.parquet\n  longcot filter --input math.parquet --measure DIR --rollouts 16 --out graded/\n  longcot filter --input math.parquet --steps votes --judges a@http://localhost:8000/v1 b@http://localhost:8001/v1 --out voted/\n  longcot filter --recipe pipeline.yaml --out data/",
      )
      .action(async ({ out, json, ...flags }: FilterFlags & { out: string; json?: true }) => {
        const work = await load();
        const recipe = work.loadFilterRecipe(flags);
        const start = performance.now();
        const outcome = await runInterruptible(
          { label: "filter", stopping: "stopping; the same command goes on with the step that was not done" },
          (signal, progress) =>
            work.runFilter({
              recipe,
              out,
              signal,
              onProgress: ({ step, phase, done, total }) =>
                progress.update({
                  phase: `${step} ${phase}`,
                  done,
                  total,
                  text: `${step}${phase === step ? "" : `, ${phase}`} ${done} of ${total}`,
                }),
            }),
        );
        const seconds = (performance.now() - start) / 1000;
        if (outcome !== undefined) process.stdout.write(json === true ? `${JSON.stringify(outcome)}\n` : summary(outcome, seconds));
      });
  };
}

function summary({ rowsRead, rowsWritten, steps, output, folder }: FilterOutcome, seconds: number): string {
  const lines = steps.slice(1).map(({ step, rowsIn, dropped, repaired }) => {
    const words = [
      ...Object.entries(dropped).map(([kind, count]) => `${count} ${kind}`),
      ...Object.entries(repaired).map(([kind, count]) => `${count} changed (${kind})`),
    ];
    return `  ${step.padEnd(20)} ${String(rowsIn).padStart(9)} in   ${words.join(", ") || "nothing to drop"}`;
  });
  return `${lines.join("\n")}\n${rowsWritten} of ${rowsRead} problems written to ${output} in ${seconds.toFixed(1)} s; report: ${folder}/report.html\n`;
}
