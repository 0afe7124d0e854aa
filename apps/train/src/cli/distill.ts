// `longcot distill`: a teacher's verified answers to problems, as data to learn from.
import type { DistillFlags, DistillRecipe } from "../distill/distill-recipe.ts";
import type { DistillJob, DistillOutcome } from "../distill/run-distill.ts";
import { percent } from "../progress/figures.ts";
import { runInterruptible } from "./interruptible.ts";
import { existingFile, positiveNumber, wholeNumber } from "./option-values.ts";
import type { AddCommand } from "./run-cli.ts";

export interface DistillWork {
  loadDistillRecipe: (flags: DistillFlags) => DistillRecipe;
  runDistill: (job: DistillJob) => Promise<DistillOutcome>;
}

/** Adds the command; `load` brings its work when it is first needed. */
export function distillCommand(load: () => Promise<DistillWork>): AddCommand {
  return (program) => {
    program
      .command("distill")
      .description("Make data of teachers' answers to problems: verified, filtered, deduplicated, hard problems asked more often.")
      .option("--model <dirs...>", "teachers: models in the Hugging Face layout, folders or names on the hub")
      .option("--server <urls...>", "teachers behind OpenAI-compatible APIs, such as http://localhost:8000/v1 (key: OPENAI_API_KEY)")
      .option("--server-model <name>", "with --server: the model's name there")
      .option("--prompts <files...>", "problems in verl's row schema, parquet or JSONL")
      .requiredOption("--out <dir>", "folder of the data: shards, data card, report")
      .option("--first <N>", "answers asked of every problem (default: 4)", wholeNumber(1))
      .option("--wanted <N>", "good answers kept of each problem (default: 1)", wholeNumber(1))
      .option("--most <N>", "most answers asked of a hard problem (default: 16)", wholeNumber(1))
      .option("--temperature <τ>", "logits are divided by it (default: 0.6)", positiveNumber())
      .option("--top-p <p>", "sample from the likeliest tokens that make up this share (default: 0.95)", positiveNumber(1))
      .option(
        "--max-new-tokens <N>",
        "cap on an answer (default: the server's own; 32768, or what a model's positions leave)",
        wholeNumber(1),
      )
      .option("--seed <s>", "seed of the samples (default: 0)", wholeNumber(0))
      .option("--recipe <file>", "a YAML file of all settings, instead of or beside the options above", existingFile)
      .option(
        "--set <key=value>",
        "override a recipe's key, as often as needed; the value is YAML",
        (text: string, all: string[] | undefined) => [...(all ?? []), text],
      )
      .option("--json", "print the report as JSON on stdout")
      .addHelpText(
        "after",
        `
Every answer is on disk as soon as it comes: the same command goes on where it was stopped, whatever stopped it, and asks nothing twice. Several
teachers answer at once; when a server fails for good the others take over. OUT/data/*.parquet is what \`longcot sft --data\` learns from.
Keys of --set: filter.{verified, thinking, after_answer, min_tokens, max_tokens, max_repetition, scripts, duplicates, prefer}, output.{format, shard_problems,
rejected}, prompts.{system, suffix, limit}, teachers[0].{concurrency, timeout_s, retries, price: {prompt, completion}} (of a million tokens).

Examples:
  longcot distill --model runs/teacher/model --prompts train.parquet --out distilled
  longcot distill --server http://a:8000/v1 http://b:8000/v1 --server-model QwQ-32B --prompts math.parquet --out qwq --wanted 2 --most 32
  longcot distill --recipe distill.yaml --set output.format=prompt_completion --out data`,
      )
      .action(async ({ out, json, ...flags }: DistillFlags & { out: string; json?: true }) => {
        const { loadDistillRecipe, runDistill } = await load();
        const recipe = loadDistillRecipe(flags);
        const outcome = await runInterruptible(
          {
            label: "distill",
            stopping: "stopping once the answers under way are there (30 s at most); the same command goes on where it was",
          },
          (signal, progress) =>
            runDistill({
              recipe,
              out,
              signal,
              warn: (text) => process.stderr.write(`distill: ${text}\n`),
              onProgress: (state) => progress.update(state),
            }),
        );
        if (outcome !== undefined) process.stdout.write(json === true ? `${JSON.stringify(outcome)}\n` : summary(outcome));
      });
  };
}

function summary({ folder, sources, total }: DistillOutcome): string {
  const lines = [...Object.entries(sources), ...(Object.keys(sources).length > 1 ? [["all", total] as const] : [])].map(
    ([name, { problems, solved, answers, kept, completion_tokens: tokens, cost }]) =>
      `${name}: ${problems} problems, ${percent(solved / problems)} solved; ${answers} answers asked, ${kept} kept; ${tokens} completion tokens${cost === 0 ? "" : `, cost ${cost.toPrecision(4)}`}`,
  );
  return `${lines.join("\n")}\ndata: ${folder}/data, card: ${folder}/README.md\n`;
}
