// `longcot eval`: avg@k, pass@k and cons@k of a model on benchmarks, with intervals, files and a report.
import type { StepAggregation } from "@longcot/reward-model";
import { Option } from "commander";
import type { EvalFlags, EvalPlan } from "../eval/eval-plan.ts";
import type { EvalOutcome } from "../eval/eval-outcome.ts";
import type { EvalJob } from "../eval/run-eval.ts";
import { percent } from "../progress/figures.ts";
import { addEngineOptions } from "./engine-options.ts";
import { runInterruptible } from "./interruptible.ts";
import { existingFolder, positiveNumber, wholeNumber } from "./option-values.ts";
import type { AddCommand } from "./run-cli.ts";

export interface EvalWork {
  planEvaluation: (flags: EvalFlags) => EvalPlan;
  runEval: (job: EvalJob) => Promise<EvalOutcome>;
}

/** Adds the command; `load` brings its work when it is first needed. */
export function evalCommand(load: () => Promise<EvalWork>): AddCommand {
  return (program) => {
    addEngineOptions(
      program
        .command("eval")
        .description("Evaluate a model on benchmarks: avg@k, unbiased pass@k and cons@k with 95% intervals, samples, a report.")
        .option("--model <dir>", "a model in the Hugging Face layout", existingFolder)
        .option(
          "--run <dir>",
          "a training run: the model of its newest checkpoint, on its held-out problems, drawn as its report draws",
          existingFolder,
        )
        .option("--step <N>", "with --run: the checkpoint of this step", wholeNumber(0))
        .option("--server <url>", "an OpenAI-compatible API instead, such as http://localhost:8000/v1 (key: OPENAI_API_KEY)")
        .option("--server-model <name>", "with --server: the model's name there")
        .option(
          "--benchmark <files...>",
          "files of problems in verl's row schema; names of published protocols, fetched from the hub; or NAME=FILE",
        )
        .option("--window <from..to>", "with livecodebench: first and last month or day of the contests (default: 2024-08..2025-02)")
        .option("--k <K>", "samples per problem (default: the benchmark's, else 8)", wholeNumber(1))
        .option("--temperature <τ>", "logits are divided by it (default: 1)", positiveNumber())
        .option("--top-p <p>", "sample from the likeliest tokens that make up this share (default: 1)", positiveNumber(1))
        .option("--max-new-tokens <N>", "cap on a response (default: 32768, or what the model's positions leave)", wholeNumber(1))
        .option("--seed <s>", "seed of the samples and the intervals (default: 0)", wholeNumber(0))
        .option("--concurrency <N>", "with --server: questions under way at a time", wholeNumber(1), 16)
        .option("--timeout <s>", "with --server: seconds until a question counts as hung and is asked again", wholeNumber(1), 600)
        .option("--out <dir>", "folder of the results (default: one in evals/, named for model and benchmarks)")
        .option("--against <what>", '"published", or the folder of another evaluation, for a paired comparison')
        .option("--reward-model <dir>", "a reward model, of answers or of steps, that chooses among the samples: bon@k and weighted cons@k")
        .addOption(
          new Option("--aggregate <how>", "with a process reward model: how its steps become one score (default: min)").choices([
            "min",
            "prod",
            "last",
            "mean",
          ] satisfies StepAggregation[]),
        )
        .option("--json", "print the results as JSON on stdout"),
    )
      .addHelpText(
        "after",
        "\nAn interrupted evaluation goes on when it is started again with the same folder.\nPublished protocols: aime24, aime25, math-500, gsm8k, livecodebench (the paper: 32,768 new tokens, temperature 1, top-p 1, avg@32 on AIME,\navg@4 on LiveCodeBench; its programs run in the sandbox, see longcot doctor).\n\nExamples:\n  longcot eval --run runs/quickstart\n  longcot eval --model DIR --benchmark aime24 aime25=aime25.parquet --against published\n  longcot eval --model DIR --benchmark livecodebench='test*.jsonl' --against published\n  longcot eval --run runs/quickstart --reward-model runs/judge/model\n  longcot eval --server http://localhost:8000/v1 --server-model policy --benchmark problems.jsonl --k 16",
      )
      .action(async ({ json, ...flags }: EvalFlags & { json?: true }) => {
        const work = await load();
        const plan = work.planEvaluation(flags);
        for (const notice of plan.notices) process.stderr.write(`${notice}\n`);
        const outcome = await runInterruptible(
          { label: "eval", stopping: "stopping; the same command goes on where it was" },
          (signal, progress) =>
            work.runEval({
              plan,
              flags,
              signal,
              onProgress: ({ phase, done, total }) => progress.update({ phase, done, total, text: `${phase} ${done} of ${total} samples` }),
            }),
        );
        if (outcome !== undefined) process.stdout.write(json === true ? `${JSON.stringify(outcome)}\n` : summary(outcome));
      });
  };
}

function summary({ results, published, folder }: EvalOutcome): string {
  const lines = results.flatMap(({ title, k, overall, groups, truncated, response_length: length, compared }) => [
    title,
    ...[...groups, overall].map(
      ({ group, problems, avg_at_k: avg, pass_at_k: pass, cons_at_k: cons }) =>
        `  ${group.padEnd(12)} avg@${k} ${share(avg)}  pass@${k} ${share(pass)}  cons@${k} ${share(cons)}  ${problems} problems`,
    ),
    `  ${length === undefined ? "" : `${length.mean.toFixed(1)} tokens a response, `}${percent(truncated)} cut at the cap`,
    ...(overall.bon_at_k === undefined || overall.weighted_cons_at_k === undefined || overall.bon_gain === undefined
      ? []
      : [
          `  reward model: bon@${k} ${share(overall.bon_at_k)}  weighted cons@${k} ${share(overall.weighted_cons_at_k)}`,
          `  bon@${k} − avg@${k}: ${inPoints(overall.bon_gain)} points, ${overall.bon_gain.low > 0 || overall.bon_gain.high < 0 ? "significant" : "not significant"}`,
        ]),
    ...(compared === undefined
      ? []
      : [
          `  against ${compared.against}: ${(100 * compared.difference).toFixed(1)} points [${(100 * compared.low).toFixed(1)}, ${(100 * compared.high).toFixed(1)}], ${compared.significant ? "significant" : "not significant"}`,
        ]),
  ]);
  const rows = published.map(
    ({ model, scores }) =>
      `  ${model.padEnd(28)} ${Object.entries(scores)
        .map(([name, score]) => `${name} ${score === null ? "–" : `${score.toFixed(1)}%`}`)
        .join("  ")}`,
  );
  return `${[...lines, ...(rows.length > 0 ? ["published"] : []), ...rows].join("\n")}\nreport: ${folder}/report.html\n`;
}

const inPoints = ({ value, low, high }: { value: number; low: number; high: number }): string =>
  `${(100 * value).toFixed(1)} [${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`;

const share = ({ value, low, high }: { value: number; low: number; high: number }): string =>
  `${percent(value).padStart(6)} [${percent(low)}, ${percent(high)}]`;
