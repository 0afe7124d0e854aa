// Input that cannot work: one line that says what was expected and what came, exit code 1, and nothing left behind.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runLongcot, TINY_MODEL, TINY_RECIPE, verlParquet } from "./longcot-process.ts";
import { scratchFolder } from "./scratch-folder.ts";

const scratch = scratchFolder();
const MODEL_BYTES = 521_064;

/** A copy of the tiny model, changed by `change`. */
function model(name: string, change: (folder: string) => void): string {
  const folder = join(scratch, name);
  cpSync(TINY_MODEL, folder, { recursive: true });
  change(folder);
  return folder;
}

function editJson(path: string, fields: Record<string, unknown>): void {
  writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, "utf8")) as object), ...fields }));
}

const bare = model("bare", (folder) => rmSync(join(folder, "model.safetensors")));
const truncated = model("truncated", (folder) => truncateSync(join(folder, "model.safetensors"), MODEL_BYTES / 2));
const stunted = model("stunted", (folder) => truncateSync(join(folder, "model.safetensors"), 5));
const foreignTokenizer = model("foreign-tokenizer", (folder) => {
  const path = join(folder, "tokenizer.json");
  const { added_tokens: added } = JSON.parse(readFileSync(path, "utf8")) as { added_tokens: { id: number; content: string }[] };
  editJson(path, { added_tokens: [...added, { ...added[0]!, id: 700, content: "<|beyond|>" }] });
});
const otherArchitecture = model("other-architecture", (folder) =>
  editJson(join(folder, "config.json"), { model_type: "mamba", architectures: ["MambaForCausalLM"] }),
);
const shortModel = model("short", (folder) => editJson(join(folder, "config.json"), { max_position_embeddings: 100 }));
const otherShape = model("other-shape", (folder) => editJson(join(folder, "config.json"), { intermediate_size: 128 }));
const noTemplate = model("no-template", (folder) => {
  const path = join(folder, "tokenizer_config.json");
  const { chat_template: _, ...rest } = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  writeFileSync(path, JSON.stringify(rest));
});
const notParquet = join(scratch, "notes.parquet");
writeFileSync(notParquet, "dear diary\n".repeat(20));

const good = verlParquet("snappy");
const finetune = (path: string, data: string, ...sets: string[]) => [
  "--recipe",
  "finetune",
  ...[
    `model=${path}`,
    `data.train=${data}`,
    "data.max_prompt_length=64",
    "stages.0.context_length=64",
    "stages.0.batch_size=2",
    "stages.0.mini_batch_size=2",
    ...sets,
  ].flatMap((set) => ["--set", set]),
];
const quick = (...sets: string[]) => ["--recipe", TINY_RECIPE, ...sets.flatMap((set) => ["--set", set])];

const escaped = (text: string): string => text.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);

test.each<[what: string, args: string[], line: string]>([
  [
    "a model folder that is not there",
    finetune(join(scratch, "none"), good),
    `model: expected a folder that exists, or owner/name of a model on the hub, got "${join(scratch, "none")}"`,
  ],
  [
    "a model folder without weights",
    finetune(bare, good),
    `${bare}: expected model.safetensors or model.safetensors.index.json, got neither. Weights in other formats must be converted to safetensors first`,
  ],
  [
    "weights cut in half",
    finetune(truncated, good),
    `${truncated}/model.safetensors: tensor "…" must be a byte range inside the file, got data up to byte … of a file of ${MODEL_BYTES / 2} bytes: truncated`,
  ],
  [
    "weights cut to nothing",
    finetune(stunted, good),
    `${stunted}/model.safetensors: expected a safetensors file, got 5 bytes, too few for a header`,
  ],
  [
    "weights of another shape",
    finetune(otherShape, good),
    `${otherShape}/model.safetensors: tensor "…" must be of shape [128, 64], as the config says, got [160, 64]`,
  ],
  [
    "a tokenizer of another model",
    finetune(foreignTokenizer, good),
    "tokenizer: largest token id must be below the model's vocab_size of 672, got 700. Tokenizer and weights must come from the same model",
  ],
  [
    "no chat template",
    finetune(noTemplate, good),
    `${noTemplate}: chat_template must be in tokenizer_config.json or chat_template.jinja, got none`,
  ],
  ["another architecture", finetune(otherArchitecture, good), `${otherArchitecture}/config.json: …`],
  [
    "a context longer than the model's",
    finetune(shortModel, good),
    "recipe finetune: stages.0.context_length must be at most the model's max_position_embeddings - data.max_prompt_length (100 - 64), got 64",
  ],
  [
    "an unknown key",
    quick("stages.0.step=3"),
    "--set stages.0.step: expected a known key, got stages.0.step. Did you mean stages.0.steps?",
  ],
  [
    "a level that does not exist",
    quick("data.generate.levels=[1, 9]"),
    "--set data.generate.levels: data.generate.levels.1 must be at most 4, got 9",
  ],
  [
    "batches that do not divide",
    quick("stages.0.mini_batch_size=3"),
    `${TINY_RECIPE}:25: stages.0.batch_size must be a multiple of stages.0.mini_batch_size (3), got 4`,
  ],
  [
    "a batch larger than the data",
    finetune(TINY_MODEL, good, "stages.0.batch_size=4"),
    "recipe finetune: stages.0.batch_size must be at most 3, the number of prompts to train on, got 4",
  ],
  [
    "a batch larger than the generated data",
    quick("data.generate.train_per_level=3"),
    "recipe tiny: stages.0.batch_size must be at most 3, the number of prompts of level 1 to train on, got 4",
  ],
  [
    "levels that the data lacks",
    finetune(TINY_MODEL, good, "stages.0.levels=[7]"),
    "recipe finetune: stages.0.batch_size must be at most 0, the number of prompts of level 7 to train on, got 2",
  ],
  [
    "a data file that is not there",
    finetune(TINY_MODEL, join(scratch, "none.parquet")),
    `${join(scratch, "none.parquet")}: expected a readable file, got …`,
  ],
  ["data that is no parquet", finetune(TINY_MODEL, notParquet), `${notParquet}: …`],
  [
    "parquet without reward_model",
    finetune(TINY_MODEL, verlParquet("no-reward-model")),
    `${verlParquet("no-reward-model")}: …reward_model…`,
  ],
  ["parquet without rows", finetune(TINY_MODEL, verlParquet("no-rows")), `${verlParquet("no-rows")}: expected at least one row, got none`],
  [
    "prompts that are all too long",
    finetune(TINY_MODEL, good, "data.max_prompt_length=4"),
    `${good}: expected at least one usable prompt, got 3 rows, all left out by level or length`,
  ],
])("%s", async (what, args, line) => {
  const folder = join(scratch, what.replaceAll(" ", "-"));
  mkdirSync(folder);
  const { code, stderr } = await runLongcot("train", ...args, "--run", join(folder, "runs", "one"));
  expect({ code, lines: stderr.split("\n").length }).toEqual({ code: 1, lines: 2 });
  expect(stderr).toMatch(new RegExp(`^${`longcot train: ${line}`.split("…").map(escaped).join(".+")}\n$`));
  expect(readdirSync(folder)).toEqual([]);
  expect(existsSync(join(folder, "runs"))).toBe(false);
});
