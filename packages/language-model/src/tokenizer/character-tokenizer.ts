// A tokenizer of single characters as Hugging Face files: byte-pair encoding without merges, so that each character is one token, and added
// tokens for whole words such as `<think>`. For small models trained from nothing; transformers loads it as any other.
import { ConfigError } from "@longcot/errors";
import type { AddedToken } from "./tokenizer-files.ts";

/** What the tokenizer holds. Ids are given in this order: characters, marker tokens, special tokens. */
export interface CharacterTokenizerOptions {
  /** Each code point becomes one token. */
  characters: string;
  /** Words of one token that belong to the text and survive decoding: `<think>`, `</think>`, `\boxed{`. */
  markerTokens?: readonly string[];
  /** Tokens that `skipSpecialTokens` leaves out of decoded text; must include `padToken` and `eosToken`. */
  specialTokens: readonly string[];
  padToken: string;
  /** Ends a response. */
  eosToken: string;
  /** Jinja text, such as {@link THINK_CHAT_TEMPLATE}; absent: no chat template. */
  chatTemplate?: string;
  /** The model's longest sequence, in tokens. */
  modelMaxLength: number;
}

/** The files of a tokenizer, by name. */
export interface CharacterTokenizerFiles {
  "tokenizer.json": string;
  "tokenizer_config.json": string;
  "special_tokens_map.json": string;
}

/**
 * A chat template for {@link characterTokenizerFiles} with the tokens `<|user|>`, `<|assistant|>` and `<think>`: the generation prompt opens
 * the reasoning, an assistant's turn ends with the eos token.
 */
export const THINK_CHAT_TEMPLATE = [
  "{%- for message in messages -%}",
  "{%- if message['role'] == 'user' -%}{{- '<|user|>' + message['content'] -}}",
  "{%- elif message['role'] == 'assistant' -%}{{- '<|assistant|>' + message['content'] + eos_token -}}",
  "{%- else -%}{{- raise_exception('roles are user and assistant, not ' + message['role']) -}}{%- endif -%}",
  "{%- endfor -%}",
  "{%- if add_generation_prompt -%}{{- '<|assistant|><think>' -}}{%- endif -%}",
].join("");

/**
 * The text of tokenizer.json, tokenizer_config.json and special_tokens_map.json.
 * Characters outside `characters` cannot be encoded: `loadTokenizer`'s encode refuses them by name; transformers drops them silently.
 * @throws ConfigError where a character or token comes twice, a marker is shorter than two characters, or pad or eos is not a special token.
 */
export function characterTokenizerFiles(options: CharacterTokenizerOptions): CharacterTokenizerFiles {
  const { markerTokens = [], specialTokens, padToken, eosToken, chatTemplate, modelMaxLength } = options;
  const characters = Array.from(options.characters);
  const who = "characterTokenizerFiles";
  if (characters.length === 0)
    throw new ConfigError({
      who,
      argument: "characters",
      expected: "at least one character",
      received: "none",
    });
  const tokens = [...characters, ...markerTokens, ...specialTokens];
  const again = tokens.find((token, index) => tokens.indexOf(token) !== index);
  if (again !== undefined)
    throw new ConfigError({
      who,
      expected: "each character and token once",
      received: `${JSON.stringify(again)} again`,
    });
  const short = [...markerTokens, ...specialTokens].find((token) => Array.from(token).length < 2);
  if (short !== undefined) {
    throw new ConfigError({
      who,
      argument: "markerTokens and specialTokens",
      expected: "at least two characters long",
      received: JSON.stringify(short),
      fix: "Single ones belong to characters",
    });
  }
  for (const [argument, token] of Object.entries({ padToken, eosToken })) {
    if (!specialTokens.includes(token))
      throw new ConfigError({
        who,
        argument,
        expected: "one of specialTokens",
        received: JSON.stringify(token),
      });
  }

  const addedTokens: AddedToken[] = tokens.slice(characters.length).map((content, index) => ({
    id: characters.length + index,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: specialTokens.includes(content),
  }));
  const tokenizer = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: addedTokens,
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: { type: "Fuse" },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(characters.map((character, id) => [character, id])),
      merges: [],
    },
  };
  const config = {
    added_tokens_decoder: Object.fromEntries(addedTokens.map(({ id, ...token }) => [id, token])),
    bos_token: null,
    ...(chatTemplate === undefined ? {} : { chat_template: chatTemplate }),
    clean_up_tokenization_spaces: false,
    eos_token: eosToken,
    model_max_length: modelMaxLength,
    pad_token: padToken,
    tokenizer_class: "PreTrainedTokenizerFast",
    unk_token: null,
  };
  return {
    "tokenizer.json": JSON.stringify(tokenizer),
    "tokenizer_config.json": JSON.stringify(config, undefined, 2),
    "special_tokens_map.json": JSON.stringify({ eos_token: eosToken, pad_token: padToken }, undefined, 2),
  };
}
