// The memory plan of a fine-tuning: said before its weights are loaded, refused where it cannot fit.

import type { Example } from "@longcot/distillation";
import { readModelConfig } from "@longcot/language-model";
import type { ModelConfig } from "@longcot/language-model";
import { resolveModel } from "../models/resolve-model.ts";
import { memoryPlanLine } from "../progress/memory-plan-lines.ts";
import { checkPlanFits } from "../training/memory-parts.ts";
import type { Change } from "../training/memory-parts.ts";
import { loraOptions } from "../training/memory-plan.ts";
import { planSupervisedMemory } from "../training/supervised-memory.ts";
import type { SupervisedPlan } from "../training/supervised-memory.ts";
import type { SftRecipe } from "./sft-recipe.ts";

/** Responses of an evaluation under way at once: `generate`'s default. */
const MAX_SLOTS = 256;
/** Of a token: its id; of a teacher's likely token: its id and log-probability. */
const [TOKEN_BYTES, SCORE_BYTES] = [4, 8];

interface SftMemoryInputs {
  config: ModelConfig;
  examples: readonly Example[];
  problems: readonly { tokens: Int32Array }[];
  maxNewTokens: number;
}

/** Tells the plan of `recipe` to `warn`. @throws ConfigError where it does not fit, naming the setting to change. */
export async function checkSftMemory(
  recipe: SftRecipe,
  { warn, ...inputs }: SftMemoryInputs & { warn: (text: string) => void },
): Promise<void> {
  const teacher = recipe.teacher === undefined ? undefined : await readModelConfig(await resolveModel(recipe.teacher.model));
  const planWith = (changed: SftRecipe): SupervisedPlan => planSftMemory(changed, { ...inputs, teacher });
  const plan = planWith(recipe);
  warn(memoryPlanLine(plan));
  checkPlanFits(plan, {
    who: `sft ${recipe.name}`,
    limitGib: recipe.memory.limit_gib,
    changes: () => changesOf(recipe, inputs).map(([setting, changed]): Change => [setting, planWith(changed).peak_bytes]),
  });
}

function planSftMemory(
  recipe: SftRecipe,
  { config, examples, problems, maxNewTokens, teacher }: SftMemoryInputs & { teacher: ModelConfig | undefined },
): SupervisedPlan {
  const { training, evaluation } = recipe;
  const tokens = examples.reduce((sum, example) => sum + example.tokens.length, 0);
  const scores = recipe.teacher === undefined ? 0 : SCORE_BYTES * (Math.min(recipe.teacher.top_k, config.vocabSize) + 1);
  return planSupervisedMemory({
    config,
    lora: loraOptions(recipe),
    gradientCheckpointing: training.gradient_checkpointing,
    microBatchTokens: training.micro_batch_tokens,
    longest: longestOf(examples),
    sequences: training.batch_size,
    generation:
      problems.length === 0
        ? undefined
        : {
            requests: problems.length * evaluation.samples_per_prompt,
            maxSlots: MAX_SLOTS,
            prompts: problems.length,
            promptTokens: longestOf(problems),
            newTokens: maxNewTokens,
          },
    teacher,
    exampleBytes: tokens * (TOKEN_BYTES + scores),
    limitGib: recipe.memory.limit_gib,
  });
}

/** Recipes with one setting changed, each taking less memory. */
function changesOf(recipe: SftRecipe, { examples }: SftMemoryInputs): [setting: string, changed: SftRecipe][] {
  const { training, lora } = recipe;
  const trainingChange = (setting: keyof typeof training, value: number | boolean): [string, SftRecipe] => [
    `training.${setting}=${value}`,
    { ...recipe, training: { ...training, [setting]: value } },
  ];
  const changes: [string, SftRecipe][] = [];
  if (!training.gradient_checkpointing) changes.push(trainingChange("gradient_checkpointing", true));
  for (let tokens = Math.floor(training.micro_batch_tokens / 2); tokens >= longestOf(examples); tokens = Math.floor(tokens / 2))
    changes.push(trainingChange("micro_batch_tokens", tokens));
  if (lora === undefined && typeof recipe.model === "string")
    changes.push(["lora={rank: 16, alpha: 32}", { ...recipe, lora: { rank: 16, alpha: 32 } }]);
  return changes;
}

const longestOf = (sequences: readonly { tokens: Int32Array }[]): number =>
  sequences.reduce((most, { tokens }) => Math.max(most, tokens.length), 2);
