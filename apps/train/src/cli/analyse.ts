// `longcot analyse`: the entropy of a run again from its rollouts, and what other clipping rules would have stopped.
import { join } from "node:path";
import { existingFolder, wholeNumber } from "./option-values.ts";
import { listenForInterrupt } from "./interrupt.ts";
import type { AddCommand } from "./run-cli.ts";
import type { AnalyseOptions } from "../analyse/analyse-run.ts";
import type { Analysis } from "../analyse/analysis.ts";
import type { Metrics } from "../events.ts";
import { percent, sparkline } from "../progress/figures.ts";

interface AnalyseFlags {
  out?: string;
  whatIf?: string[];
  checkpoint?: number;
  json?: true;
}

/** Adds the command; `analyseRun` is loaded by the caller when it is first needed. */
export function analyseCommand(analyseRun: (options: AnalyseOptions) => Promise<Analysis>): AddCommand {
  return (program) => {
    program
      .command("analyse")
      .alias("analyze")
      .description("Measure a run's entropy again from its rollouts; ask what another clipping rule would have clipped, without training.")
      .argument("<run>", "the run's folder, finished or not", existingFolder)
      .option("--out <dir>", "folder for the tables (default: analysis/ in the run's folder)")
      .option(
        "--what-if <rule>",
        "a clipping rule, as often as needed: clip_high=0.28, clip_low=0.1,dual_clip=3, kind=sequence,clip_low=3e-4,clip_high=4e-4, kind=clip_cov,ratio=2e-4",
        (text: string, all: string[] | undefined) => [...(all ?? []), text],
      )
      .option("--checkpoint <step>", "replay the updates from this checkpoint (default: the oldest kept)", wholeNumber(0))
      .option("--json", "print one JSON object instead of tables")
      .addHelpText(
        "after",
        "\nThe updates after a checkpoint are done again from the stored rollouts, which needs no generation, and each mini-batch is scored before its update.\n\nExamples:\n  longcot analyse runs/mine\n  longcot analyse runs/mine --what-if clip_high=0.28 --what-if kind=sequence,clip_low=3e-4,clip_high=4e-4",
      )
      .action(async (run: string, flags: AnalyseFlags) => {
        const interrupt = listenForInterrupt(() => process.stderr.write("stopping after this step; Ctrl-C again ends at once\n"));
        let shown = performance.now();
        try {
          const analysis = await analyseRun({
            run,
            out: flags.out ?? join(run, "analysis"),
            rules: flags.whatIf ?? [],
            ...(flags.checkpoint === undefined ? {} : { checkpoint: flags.checkpoint }),
            signal: interrupt.signal,
            emit: (event) => {
              if (event.type === "notice" || event.type === "warning") process.stderr.write(`note: ${event.text}\n`);
              if (event.type !== "phase" || event.unit !== "steps" || performance.now() - shown < PROGRESS_MS) return;
              shown = performance.now();
              process.stderr.write(`${event.phase === "data" ? "measuring" : "replaying"}: step ${event.completed} of ${event.total}\n`);
            },
          });
          process.stdout.write(flags.json === true ? `${JSON.stringify(analysis)}\n` : `${describe(analysis).join("\n")}\n`);
          process.exitCode = interrupt.exitCode();
        } finally {
          interrupt.dispose();
        }
      });
  };
}

const PROGRESS_MS = 2000;
const SPARK_WIDTH = 40;

function describe({ measures, replay, files }: Analysis): string[] {
  const names = [...new Set(measures.flatMap((line) => Object.keys(line)))].filter(
    (name) => !name.startsWith("training/") && !name.startsWith("actor/"),
  );
  const width = Math.max(...names.map((name) => name.length));
  const lines = names
    .toSorted((a, b) => a.localeCompare(b, "en", { numeric: true }))
    .map((name) => {
      const values = seriesOf(measures, name);
      return `${name.padEnd(width)}  ${sparkline(values, SPARK_WIDTH).padEnd(SPARK_WIDTH)}  ${values[0]!.toFixed(4)} → ${values.at(-1)!.toFixed(4)}`;
    });
  const head = [
    `${measures.length} steps, ${measures[0]!["training/global_step"]} to ${measures.at(-1)!["training/global_step"]}; entropies in nats per token`,
    "",
  ];
  const table =
    replay === undefined
      ? []
      : [
          "",
          `clipped, of ${replay.rules[0]!.tokens} tokens in the updates of steps ${replay.steps[0]} to ${replay.steps.at(-1)}:`,
          ...replay.rules.map(
            ({ rule, high, low, other, fraction }) =>
              `  ${rule.padEnd(Math.max(...replay.rules.map((one) => one.rule.length)))}  ${percent(fraction, 3).padStart(8)}  rises ${percent(high, 3)}, falls ${percent(low, 3)}${other > 0 ? `, other ${percent(other, 3)}` : ""}`,
          ),
          `largest difference from what the run logged as clipped: ${replay.largestDeviation.toExponential(1)}`,
        ];
  return [...head, ...lines, ...table, "", ...files.map((file) => `written: ${file} (and .arrow)`)];
}

function seriesOf(measures: readonly Metrics[], name: string): number[] {
  return measures.flatMap((line) => (line[name] === undefined ? [] : [line[name]]));
}
