// The model and tokenizer of a run: read from the recipe's folder, or new with a tokenizer of the task's characters.

import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { atomicWrite } from "@longcot/durable-files";
import {
  attachLora,
  characterTokenizerFiles,
  checkTokenizerFits,
  createLanguageModel,
  loadLanguageModel,
  loadTokenizer,
  readModelConfig,
  THINK_CHAT_TEMPLATE,
} from "@longcot/language-model";
import type { CharacterTokenizerFiles, LanguageModel, ModelConfig, Tokenizer } from "@longcot/language-model";
import { ConfigError } from "@longcot/errors";
import type { Engine } from "@longcot/tensor-kernels";
import { ARITHMETIC_ALPHABET } from "../arithmetic/index.ts";
import { resolveModel } from "../models/resolve-model.ts";
import { checkContextFits } from "../recipe/load-recipe.ts";
import type { NewModel, Recipe } from "../recipe/schema.ts";

export interface PreparedModel {
  model: LanguageModel;
  tokenizer: Tokenizer;
}

/** A model's directory without its weights. */
export interface ModelFiles {
  /** As the recipe names it: a folder or a name on the hub. */
  reference: string;
  directory: string;
  config: ModelConfig;
  tokenizer: Tokenizer;
}

/**
 * The files of `reference`, held against each other and the recipe's context lengths.
 * @throws ConfigError, DataError in one line for whatever does not fit.
 */
export async function openModelFiles(reference: string, recipe: Recipe): Promise<ModelFiles> {
  const directory = await resolveModel(reference);
  const config = await readModelConfig(directory);
  const tokenizer = await loadTokenizer(directory);
  checkTokenizerFits(config, tokenizer);
  if (!tokenizer.hasChatTemplate)
    throw new ConfigError({
      who: directory,
      argument: "chat_template",
      expected: "in tokenizer_config.json or chat_template.jinja",
      received: "none",
    });
  checkContextFits(recipe, config.maxPositionEmbeddings);
  return { reference, directory, config, tokenizer };
}

/** The model of `files`, with new adapters where the recipe asks for them. */
export async function loadPreparedModel(
  engine: Engine,
  { reference, directory, tokenizer }: ModelFiles,
  recipe: Pick<Recipe, "lora" | "seed">,
): Promise<PreparedModel> {
  return { model: await loadWithAdapters(engine, directory, { reference, ...recipe }), tokenizer };
}

/** The model in `directory`, with new adapters where `lora` asks for them; they name `reference` as their base. */
export async function loadWithAdapters(
  engine: Engine,
  directory: string,
  { reference, lora, seed }: { reference: string } & Pick<Recipe, "lora" | "seed">,
): Promise<LanguageModel> {
  const base = await loadLanguageModel(engine, directory);
  if (lora === undefined) return base;
  const { rank, alpha, target_modules: targets } = lora;
  const options = {
    rank,
    alpha,
    ...(targets === undefined ? {} : { targets }),
    base: existsSync(reference) ? resolve(reference) : reference,
  };
  return await attachLora(base, options, { seed });
}

const PAD = "<|pad|>";
const END = "<|end|>";

/** A new model of the recipe's shape and the tokenizer of the generated task, whose files go into `folder`. */
export async function createPreparedModel(
  engine: Engine,
  shape: NewModel,
  { folder, seed }: { folder: string; seed: number },
): Promise<PreparedModel> {
  const files = tokenizerFiles(shape);
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) atomicWrite(join(folder, name), text);
  const tokenizer = await loadTokenizer(folder);
  return { model: await createLanguageModel(engine, newModelConfig(shape, tokenizer), { ...files }, { seed }), tokenizer };
}

/** The tokenizer of the generated task. */
function tokenizerFiles(shape: NewModel): CharacterTokenizerFiles {
  const singles = ARITHMETIC_ALPHABET.strings.filter((text) => text.length === 1);
  return characterTokenizerFiles({
    characters: ARITHMETIC_ALPHABET.characters + singles.join(""),
    markerTokens: ARITHMETIC_ALPHABET.strings.filter((text) => text.length > 1),
    specialTokens: [PAD, END, "<|user|>", "<|assistant|>"],
    padToken: PAD,
    eosToken: END,
    chatTemplate: THINK_CHAT_TEMPLATE,
    modelMaxLength: shape.max_position_embeddings,
  });
}

/** What a new model's configuration takes of its tokenizer, before that is written: the ids do not matter yet. */
export function newModelVocabulary(shape: NewModel): TokenizerFacts {
  const { model, added_tokens } = JSON.parse(tokenizerFiles(shape)["tokenizer.json"]) as {
    model: { vocab: Record<string, number> };
    added_tokens: { id: number }[];
  };
  return { vocabularySize: new Set([...Object.values(model.vocab), ...added_tokens.map(({ id }) => id)]).size, eosTokenIds: [] };
}

type TokenizerFacts = Pick<Tokenizer, "vocabularySize" | "eosTokenIds"> & { padTokenId?: number | undefined };

/** The configuration of a new Qwen2 of `shape` for `tokenizer`. */
export function newModelConfig(shape: NewModel, tokenizer: TokenizerFacts): ModelConfig {
  return {
    architecture: "qwen2",
    vocabSize: tokenizer.vocabularySize,
    hiddenSize: shape.hidden_size,
    intermediateSize: shape.intermediate_size,
    layers: shape.layers,
    attentionHeads: shape.attention_heads,
    keyValueHeads: shape.key_value_heads,
    headDim: shape.hidden_size / shape.attention_heads,
    ropeTheta: 10_000,
    rmsNormEpsilon: 1e-6,
    tieWordEmbeddings: true,
    maxPositionEmbeddings: shape.max_position_embeddings,
    attentionBias: true,
    initializerRange: 0.02,
    dtype: "float32",
    eosTokenIds: tokenizer.eosTokenIds,
    ...(tokenizer.padTokenId === undefined ? {} : { padTokenId: tokenizer.padTokenId }),
  };
}
