// The JSON files of a tokenizer brought to what transformers makes of them, before the tokenizer library sees them: added tokens that only
// tokenizer_config.json or special_tokens_map.json names, and which tokens are special. What is put around a text is tokenizer.json's alone:
// transformers ignores `add_bos_token` and `add_eos_token` where there is a tokenizer.json.
// Source: transformers 5.23, `tokenization_utils_tokenizers.py`, `TokenizersBackend.__init__` and `_post_init`.
import { ConfigError } from "@longcot/errors";
import { describeValue, isJsonObject, type JsonObject } from "../files/json-file.ts";

/** An entry of `added_tokens` in tokenizer.json. */
export interface AddedToken {
  id: number;
  content: string;
  single_word: boolean;
  lstrip: boolean;
  rstrip: boolean;
  normalized: boolean;
  special: boolean;
}

/** Named roles of special tokens. */
const NAMED_TOKENS = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"] as const;

/** A tokenizer.json that says everything, and what was learnt on the way. */
export interface ResolvedTokenizerFiles {
  tokenizer: JsonObject & { model: JsonObject; added_tokens: AddedToken[] };
  /** Every token, added ones included, to its id. */
  vocabulary: ReadonlyMap<string, number>;
  /** `eos_token`, `pad_token`, … to their text, for those that are set. */
  namedTokens: Readonly<Record<string, string>>;
}

/**
 * Merges what `config` (tokenizer_config.json) and `specialTokensMap` say into `tokenizer` (tokenizer.json). Inputs are not changed.
 * @throws ConfigError where tokenizer.json lacks a model or vocabulary, or asks for what is not supported.
 */
export function resolveTokenizerFiles(
  tokenizer: JsonObject,
  config: JsonObject,
  specialTokensMap: JsonObject | undefined,
  who: string,
): ResolvedTokenizerFiles {
  const { model } = tokenizer;
  if (!isJsonObject(model))
    throw new ConfigError({
      who,
      argument: "model",
      expected: "an object",
      received: describeValue(model),
    });
  if (config["split_special_tokens"] === true) {
    throw new ConfigError({
      who,
      argument: "split_special_tokens",
      expected: "false (true is not supported)",
      received: "true",
    });
  }
  const vocabulary = readVocabulary(model, who);
  const added = new Map<string, AddedToken>();
  const add = (token: AddedToken): void => {
    added.set(token.content, token);
    vocabulary.set(token.content, token.id);
  };
  for (const token of (tokenizer["added_tokens"] ?? []) as AddedToken[]) add({ ...token });
  const listed = Object.entries((config["added_tokens_decoder"] ?? {}) as Record<string, Omit<AddedToken, "id">>);
  for (const [id, token] of listed) {
    const known = vocabulary.get(token.content);
    if (known !== undefined && known !== Number(id)) {
      throw new ConfigError({
        who,
        argument: `id of ${JSON.stringify(token.content)}`,
        expected: `${id}, as tokenizer_config.json says`,
        received: String(known),
      });
    }
    if (!added.has(token.content)) add({ ...token, id: Number(id) });
  }

  // special_tokens_map.json is the old place: it counts only where tokenizer_config.json does not list added tokens itself.
  const named: JsonObject = config["added_tokens_decoder"] === undefined ? { ...specialTokensMap, ...config } : config;
  const namedTokens: Record<string, string> = {};
  const special: string[] = [];
  for (const role of NAMED_TOKENS) {
    const text = tokenText(named[role]);
    if (text === undefined) continue;
    namedTokens[role] = text;
    special.push(text);
  }
  for (const key of ["additional_special_tokens", "extra_special_tokens"]) {
    const value = named[key] ?? [];
    for (const token of Array.isArray(value) ? value : Object.values(value)) {
      const text = tokenText(token);
      if (text !== undefined) special.push(text);
    }
  }
  for (const content of special) {
    const known = added.get(content);
    const id = vocabulary.get(content) ?? largestId(vocabulary) + 1;
    add({
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      id,
      content,
      ...known,
      special: true,
    });
  }

  const resolved = {
    ...tokenizer,
    model,
    added_tokens: [...added.values()].sort((x, y) => x.id - y.id),
  };
  return { tokenizer: resolved, vocabulary, namedTokens };
}

/** The largest id of `vocabulary`; -1 where it is empty. */
export function largestId(vocabulary: ReadonlyMap<string, number>): number {
  let largest = -1;
  for (const id of vocabulary.values()) largest = Math.max(largest, id);
  return largest;
}

function readVocabulary(model: JsonObject, who: string): Map<string, number> {
  const vocab = model["vocab"];
  if (isJsonObject(vocab)) return new Map(Object.entries(vocab) as [string, number][]);
  if (Array.isArray(vocab)) return new Map((vocab as [string, number][]).map(([token], id) => [token, id]));
  throw new ConfigError({
    who,
    argument: "model.vocab",
    expected: "an object or a list",
    received: describeValue(vocab),
  });
}

/** A token is written as its text or as an object with `content`. */
function tokenText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return isJsonObject(value) && typeof value["content"] === "string" ? value["content"] : undefined;
}
