// `longcot sft`: supervised fine-tuning on worked answers, with validation and avg@k on the way.
import { percent } from "../progress/figures.ts";
import { defaultRunPath } from "../run/run-folder.ts";
import type { SftJob, SftOutcome } from "../sft/run-sft.ts";
import { loadSftRecipe } from "../sft/sft-recipe.ts";
import type { SftFlags } from "../sft/sft-recipe.ts";
import { runInterruptible } from "./interruptible.ts";
import type { AddCommand } from "./run-cli.ts";
import { addTrainingFolderOptions, trainingRecipe, withTrainingFolder } from "./training-folder.ts";
import type { TrainingFolderFlags } from "./training-folder.ts";

/** Adds the command; `load` brings the work when it is first needed. */
export function sftCommand(load: () => Promise<{ runSft: (job: SftJob) => Promise<SftOutcome> }>): AddCommand {
  return (program) => {
    const command = program
      .command("sft")
      .description("Supervised fine-tuning: learn the completions of worked examples, weights or LoRA adapters.")
      .option("--model <dir>", "a model in the Hugging Face layout: a folder, or a name on the hub (owner/name@revision)")
      .option("--data <files...>", "parquet or JSONL with messages, or with prompt and completion")
      .option("--validation <files...>", "the same, for the validation loss")
      .option("--problems <files...>", "problems in verl's row schema, for avg@k before, during and after training")
      .option("--teacher <dir>", "learn this model's distributions over the examples, not their text alone; it needs the same tokenizer");
    addTrainingFolderOptions(command)
      .addHelpText(
        "after",
        `
The loss is on the completions alone; examples share rows of a batch without seeing each other. RUN/model is the newest checkpoint's model, RUN/report/index.html
the curves.
Keys of --set and their defaults:
  training: epochs 3 (or steps, or tokens), batch_size 32, learning_rate 1e-5, schedule cosine (linear, constant), warmup 0.03 (from 1 on: steps),
            min_learning_rate 0, length_curriculum_epochs 0, micro_batch_tokens 16384, gradient_checkpointing false
  data:     max_length (the model's positions), overlong drop (error), validation_fraction 0
  lora:     {rank: 16, alpha: 32}, off unless given      evaluation: every (steps), samples_per_prompt 8, max_new_tokens
  teacher:  divergence forward_kl (reverse_kl, jsd, skewed_forward_kl, skewed_reverse_kl), top_k 64, temperature 1, cross_entropy_weight 0, beta, skew
  optimizer: betas, weight_decay 0.01, max_grad_norm 1   checkpoint: every 20, keep 2      seed 0
  memory:   limit_gib (what the machine has): a training that would take more is refused

Examples:
  longcot sft --model DIR --data distilled/*.parquet --set training.epochs=2
  longcot sft --model DIR --data rows.jsonl --set 'lora={rank: 16, alpha: 32}' --set training.learning_rate=2e-4 --problems heldout.parquet
  longcot sft --resume --run runs/sft`,
      )
      .action(async ({ run, resume, json, ...flags }: SftFlags & TrainingFolderFlags) => {
        const folders = await import("../sft/sft-folder.ts");
        const recipe = trainingRecipe({ run, resume }, { flags, load: loadSftRecipe, read: folders.readSftRecipe });
        const path = run ?? defaultRunPath(recipe);
        const { runSft } = await load();
        const warn = (text: string) => process.stderr.write(`sft: ${text}\n`);
        const open = async () =>
          resume === true ? folders.openSftFolder(path, recipe) : { folder: await folders.createSftFolder(path, recipe), warnings: [] };
        const stopping = `stopping after this step and saving; go on with: longcot sft --resume --run ${path}`;
        const outcome = await withTrainingFolder(open, warn, (openFolder) =>
          runInterruptible({ label: "sft", stopping }, (signal, progress) =>
            runSft({ recipe, signal, warn, onProgress: (state) => progress.update(state), openFolder }),
          ),
        );
        if (outcome !== undefined) process.stdout.write(json === true ? `${JSON.stringify(outcome)}\n` : summary(outcome));
      });
  };
}

function summary({ model, examples, steps, epochs, tokens, train_loss, report, final }: SftOutcome): string {
  const { validation_loss, results, samples_per_prompt: k } = final ?? {};
  const validation = validation_loss === undefined ? "" : `, validation ${validation_loss.toFixed(4)}`;
  const lines = [
    `${examples} examples, ${Number(epochs.toFixed(2))} epochs, ${steps} steps, ${tokens} completion tokens; loss ${train_loss.toFixed(4)}${validation}`,
    ...(results ?? []).map(
      ({ level, avg_at_k: avg, avg_at_k_low: low, avg_at_k_high: high, prompts }) =>
        `  ${level.padEnd(12)} avg@${k} ${percent(avg).padStart(6)} [${percent(low)}, ${percent(high)}]  ${prompts} problems`,
    ),
    `model: ${model}, report: ${report}`,
  ];
  return `${lines.join("\n")}\n`;
}
