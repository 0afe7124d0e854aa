// A Hugging Face tokenizer: text to ids and back, chat messages to text, exactly as transformers does it.
// The work is done by @huggingface/tokenizers (plain JavaScript, no model runtime; @huggingface/transformers would bring ONNX and the same
// tokenizer); this file adds what transformers adds around it, and errors where the library would drop characters or ids silently.
import { join } from "node:path";
import { Tokenizer as LibraryTokenizer } from "@huggingface/tokenizers";
import { ConfigError, DataError } from "@longcot/errors";
import { baseDirectory } from "../files/adapter-config.ts";
import { isJsonObject, readJsonFile, readJsonIfPresent, readTextIfPresent, type JsonObject } from "../files/json-file.ts";
import { correctByteFallback } from "./byte-fallback.ts";
import { compileChatTemplate, type ChatMessage, type ChatTemplate, type RenderChatOptions } from "./chat-template.ts";
import { largestId, resolveTokenizerFiles } from "./tokenizer-files.ts";

/** Stands for a character that the vocabulary lacks, where the model itself has no unknown token and would drop it. */
const DROPPED = "\u{10FFFF}dropped";

/** A tokenizer with the model's conventions. */
export interface Tokenizer {
  /** Number of tokens, added ones included. */
  readonly vocabularySize: number;
  /** The largest id; an embedding needs one row more. */
  readonly largestTokenId: number;
  /** Ids that end a response: generation_config.json's, else the tokenizer's `eos_token`; empty where neither names one. */
  readonly eosTokenIds: readonly number[];
  /** The tokenizer's `pad_token`, else generation_config.json's; absent where neither names one. */
  readonly padTokenId: number | undefined;
  /** Absent where the tokenizer names none. */
  readonly bosTokenId: number | undefined;
  /** Whether the model has a chat template. */
  readonly hasChatTemplate: boolean;
  /**
   * Ids of `text`. Added tokens written out in it (`<think>`) become their ids; nothing is put around it unless `addSpecialTokens` (default
   * false) asks for what the model's own settings say, such as a leading bos.
   * @throws DataError naming the character where the vocabulary cannot express it.
   */
  encode(text: string, options?: { addSpecialTokens?: boolean }): Int32Array<ArrayBuffer>;
  /**
   * Text of `ids`. Ids within the model but without a token (embeddings are often larger than vocabularies) have no text, as in
   * transformers. `skipSpecialTokens` (default false) leaves special tokens out.
   * @throws DataError where an id is not a non-negative integer.
   */
  decode(ids: ArrayLike<number>, options?: { skipSpecialTokens?: boolean }): string;
  /** Id of the exact token `token`, or `undefined`. */
  tokenToId(token: string): number | undefined;
  /** The token of `id` as the vocabulary spells it, or `undefined`. */
  idToToken(id: number): string | undefined;
  /**
   * The conversation as text.
   * @throws ConfigError where the model has no chat template; DataError where the template refuses the messages.
   */
  renderChat(messages: readonly ChatMessage[], options?: RenderChatOptions): string;
}

/**
 * Loads the tokenizer of the model in `folder` (adapters without one have their base model's): tokenizer.json, and where present tokenizer_config.json, special_tokens_map.json,
 * chat_template.jinja and generation_config.json.
 * @throws DataError where tokenizer.json is missing or malformed; ConfigError where it needs what is not supported.
 */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  const own = (await readTextIfPresent(join(folder, "tokenizer.json"))) !== undefined;
  const directory = own ? folder : await baseDirectory(folder);
  const path = join(directory, "tokenizer.json");
  const json = await readJsonFile(path);
  const config = (await readJsonIfPresent(join(directory, "tokenizer_config.json"))) ?? {};
  const specialTokensMap = await readJsonIfPresent(join(directory, "special_tokens_map.json"));
  const generation = (await readJsonIfPresent(join(directory, "generation_config.json"))) ?? {};
  const { tokenizer, vocabulary, namedTokens } = resolveTokenizerFiles(json, config, specialTokensMap, path);

  const library = openLibrary(tokenizer, config, path);
  const idOf = (role: string): number | undefined => (namedTokens[role] === undefined ? undefined : vocabulary.get(namedTokens[role]));
  const generationIds = (key: string): number[] => [generation[key] ?? []].flat().map(Number);
  const eosTokenIds = generationIds("eos_token_id");
  const ownEos = idOf("eos_token");
  if (eosTokenIds.length === 0 && ownEos !== undefined) eosTokenIds.push(ownEos);
  const source = (await readTextIfPresent(join(directory, "chat_template.jinja"))) ?? defaultTemplate(config["chat_template"], path);
  const chatTemplate: ChatTemplate | undefined = source === undefined ? undefined : compileChatTemplate(source, namedTokens, directory);
  const addedContents = tokenizer.added_tokens.map((token) => token.content);
  // transformers tidies spaces only on request, and never for BPE, where it would corrupt the text.
  const tidiesSpaces = config["clean_up_tokenization_spaces"] === true && tokenizer.model["type"] !== "BPE";

  return {
    vocabularySize: vocabulary.size,
    largestTokenId: largestId(vocabulary),
    eosTokenIds,
    padTokenId: idOf("pad_token") ?? generationIds("pad_token_id")[0],
    bosTokenId: idOf("bos_token"),
    hasChatTemplate: chatTemplate !== undefined,
    encode(text, options = {}) {
      const { ids } = library.encode(text, {
        add_special_tokens: options.addSpecialTokens ?? false,
      });
      if (ids.includes(undefined)) refuseUnknownCharacter(text, library, addedContents, path);
      return Int32Array.from(ids as number[]);
    },
    decode(ids, options = {}) {
      const known: number[] = [];
      for (let i = 0; i < ids.length; i++) {
        const id = ids[i]!;
        if (!Number.isInteger(id) || id < 0)
          throw new DataError({
            who: "decode",
            argument: `ids[${i}]`,
            expected: "a token id",
            received: String(id),
          });
        if (library.id_to_token(id) !== undefined) known.push(id);
      }
      if (known.length === 0) return "";
      return library.decode(known, {
        skip_special_tokens: options.skipSpecialTokens ?? false,
        clean_up_tokenization_spaces: tidiesSpaces,
      });
    },
    tokenToId: (token) => vocabulary.get(token),
    idToToken: (id) => library.id_to_token(id),
    renderChat(messages, options) {
      if (chatTemplate === undefined) {
        throw new ConfigError({
          who: directory,
          expected: "a chat template in chat_template.jinja or tokenizer_config.json",
          received: "none",
          fix: "Give prompts as text",
        });
      }
      return chatTemplate(messages, options);
    },
  };
}

/** What is used of the library, whose own types say that every id is a number. */
interface Library {
  encode(text: string, options: { add_special_tokens: boolean }): { ids: (number | undefined)[] };
  decode(ids: number[], options: { skip_special_tokens: boolean; clean_up_tokenization_spaces: boolean }): string;
  id_to_token(id: number): string | undefined;
}

function openLibrary(tokenizer: JsonObject & { model: JsonObject }, config: JsonObject, path: string): Library {
  const { model } = tokenizer;
  const dropsUnknown = model["type"] === "BPE" && model["unk_token"] == null;
  try {
    const library = new LibraryTokenizer(dropsUnknown ? { ...tokenizer, model: { ...model, unk_token: DROPPED } } : tokenizer, config);
    correctByteFallback(library.decoder);
    return library as Library;
  } catch (cause) {
    throw new ConfigError({
      who: path,
      expected: "a tokenizer that @huggingface/tokenizers supports",
      received: (cause as Error).message,
      cause,
    });
  }
}

function refuseUnknownCharacter(text: string, library: Library, addedContents: readonly string[], path: string): never {
  const rest = addedContents.reduce((left, content) => left.replaceAll(content, ""), text);
  const character = Array.from(rest).find((one) => library.encode(one, { add_special_tokens: false }).ids.includes(undefined));
  const received =
    character === undefined
      ? JSON.stringify(text)
      : `${JSON.stringify(character)} (U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")})`;
  throw new DataError({
    who: "encode",
    argument: "text",
    expected: `made of characters in the vocabulary of ${path}`,
    received,
  });
}

/** The template of tokenizer_config.json: a text, or a list of named ones of which `default` counts. */
function defaultTemplate(value: unknown, path: string): string | undefined {
  if (value == null || typeof value === "string") return value ?? undefined;
  const named: unknown[] = Array.isArray(value) ? value : [];
  const found = named.find((entry) => isJsonObject(entry) && entry["name"] === "default");
  if (isJsonObject(found) && typeof found["template"] === "string") return found["template"];
  throw new ConfigError({
    who: path,
    argument: "chat_template",
    expected: "a text, or a list with one named default",
    received: "neither",
  });
}
