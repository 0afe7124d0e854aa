// Against transformers 5.23 on fixtures/tiny-qwen2 (expected.json), every case exact.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { makeFolderOf } from "../../fixtures/temporary-folder.ts";
import { loadTokenizer } from "./tokenizer.ts";

const directory = fileURLToPath(new URL("../../fixtures/tiny-qwen2", import.meta.url));
const expected = JSON.parse(await readFile(`${directory}/expected.json`, "utf8")) as {
  tokenization: {
    text: string;
    ids: number[];
    ids_with_special: number[];
    decoded: string;
    decoded_skip_special: string;
    round_trips: boolean;
  }[];
  chat: {
    messages: { role: string; content: string }[];
    add_generation_prompt: boolean;
    template_kwargs: object;
    text: string;
    ids: number[];
  }[];
};
const tokenizer = await loadTokenizer(directory);

describe("as transformers", () => {
  test("covers all 40 texts and 6 chats", () => {
    expect([expected.tokenization.length, expected.chat.length]).toEqual([40, 6]);
  });

  test.each(expected.tokenization)("$text", (one) => {
    expect([...tokenizer.encode(one.text)]).toEqual(one.ids);
    expect([...tokenizer.encode(one.text, { addSpecialTokens: true })]).toEqual(one.ids_with_special);
    expect(tokenizer.decode(one.ids)).toBe(one.decoded);
    expect(tokenizer.decode(Int32Array.from(one.ids), { skipSpecialTokens: true })).toBe(one.decoded_skip_special);
    expect(tokenizer.decode(tokenizer.encode(one.text)) === one.text).toBe(one.round_trips);
  });

  test.each(expected.chat)("chat $#", (one) => {
    const text = tokenizer.renderChat(one.messages, {
      ...one.template_kwargs,
      addGenerationPrompt: one.add_generation_prompt,
    });
    expect(text).toBe(one.text);
    expect([...tokenizer.encode(text)]).toEqual(one.ids);
  });
});

test("knows sizes and conventions; generation_config.json overrules the tokenizer's eos", () => {
  expect(tokenizer.vocabularySize).toBe(645);
  expect(tokenizer.largestTokenId).toBe(644);
  expect(tokenizer.eosTokenIds).toEqual([642, 640]);
  expect(tokenizer.padTokenId).toBe(640);
  expect(tokenizer.bosTokenId).toBeUndefined();
  expect(tokenizer.tokenToId("</think>")).toBe(644);
  expect(tokenizer.tokenToId("Ġand")).toBe(323);
  expect(tokenizer.idToToken(323)).toBe("Ġand");
  expect(tokenizer.tokenToId("no such token")).toBeUndefined();
});

test("ids between vocabulary and embedding decode to nothing, anything else is refused", () => {
  expect(tokenizer.decode([615, 671, 523])).toBe("Ada has");
  expect(tokenizer.decode([671])).toBe("");
  expect(() => tokenizer.decode([615, -1])).toThrow("decode: ids[1] must be a token id, got -1");
  expect(() => tokenizer.decode([1.5])).toThrow("got 1.5");
});

// Three bytes of "小" one by one. Expected: tokenizers 0.23.3, `tokenizer.decode([161, 243])` and so on.
test("bytes that are not whole characters decode to U+FFFD", () => {
  expect(tokenizer.decode([161])).toBe("\uFFFD");
  expect(tokenizer.decode([161, 643])).toBe("\uFFFD<think>");
});

describe("files that say more than tokenizer.json", () => {
  const base = {
    version: "1.0",
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: { type: "Fuse" },
    added_tokens: [],
  };
  const model = {
    type: "BPE",
    unk_token: null,
    vocab: { a: 0, b: 1, "<s>": 2, "</s>": 3 },
    merges: [["a", "b"]],
  };
  const ab = { ...base, model: { ...model, vocab: { ...model.vocab, ab: 4 } } };

  test("named special tokens are special though tokenizer.json does not list them", async () => {
    const config = { bos_token: "<s>", eos_token: { content: "</s>" } };
    const one = await loadTokenizer(await makeFolderOf({ "tokenizer.json": ab, "tokenizer_config.json": config }));
    expect([...one.encode("aab</s>")]).toEqual([0, 4, 3]);
    expect(one.decode([2, 4, 3], { skipSpecialTokens: true })).toBe("ab");
    expect(one.eosTokenIds).toEqual([3]);
    expect(one.bosTokenId).toBe(2);
  });

  test("what goes around a text is tokenizer.json's alone, add_bos_token has no say", async () => {
    const config = { bos_token: "<s>", add_bos_token: true };
    const bosFirst = {
      type: "TemplateProcessing",
      single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
    };
    const encodings = [];
    for (const post_processor of [null, bosFirst]) {
      const one = await loadTokenizer(await makeFolderOf({ "tokenizer.json": { ...ab, post_processor }, "tokenizer_config.json": config }));
      encodings.push([...one.encode("ab")], [...one.encode("ab", { addSpecialTokens: true })]);
    }
    expect(encodings).toEqual([[4], [4], [4], [2, 4]]);
  });

  test("bytes that spell no text decode as in transformers", async () => {
    const bytes = {
      ...base,
      decoder: { type: "Sequence", decoders: [{ type: "ByteFallback" }, { type: "Fuse" }] },
      model: { ...model, vocab: { a: 0, "<0x2F>": 1, "<0xF4>": 2, "<0xC3>": 3, "<0xA9>": 4 }, merges: [] },
    };
    const one = await loadTokenizer(await makeFolderOf({ "tokenizer.json": bytes }));
    expect(one.decode([0, 1, 2, 0, 3, 4])).toBe("a\uFFFD\uFFFDaé");
  });

  test("tokens of tokenizer_config.json alone are added with their id, a new named token gets the next one", async () => {
    const think = {
      content: "<think>",
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: false,
    };
    const one = await loadTokenizer(
      await makeFolderOf({
        "tokenizer.json": ab,
        "tokenizer_config.json": { added_tokens_decoder: { 7: think }, pad_token: "<pad>" },
      }),
    );
    expect([...one.encode("a<think>b<pad>")]).toEqual([0, 7, 1, 8]);
    expect(one.decode([0, 7, 1, 8], { skipSpecialTokens: true })).toBe("a<think>b");
    expect(one.padTokenId).toBe(8);
    expect([one.vocabularySize, one.largestTokenId]).toEqual([7, 8]);
  });

  test("special_tokens_map.json counts where tokenizer_config.json lists no added tokens", async () => {
    const one = await loadTokenizer(
      await makeFolderOf({
        "tokenizer.json": ab,
        "special_tokens_map.json": { eos_token: "</s>" },
      }),
    );
    expect(one.eosTokenIds).toEqual([3]);
  });

  test("chat_template.jinja overrules tokenizer_config.json; without any, rendering says so", async () => {
    const files = {
      "tokenizer.json": ab,
      "tokenizer_config.json": { chat_template: "from config", eos_token: "</s>" },
    };
    const config = await loadTokenizer(await makeFolderOf(files));
    const jinja = await loadTokenizer(
      await makeFolderOf({
        ...files,
        "chat_template.jinja": "{{ messages[0].content }}{{ eos_token }}{{ x }}\n",
      }),
    );
    const none = await loadTokenizer(await makeFolderOf({ "tokenizer.json": ab }));
    const messages = [{ role: "user", content: "hi" }];
    expect(config.renderChat(messages)).toBe("from config");
    expect(jinja.renderChat(messages, { x: "!" })).toBe("hi</s>!");
    expect([config.hasChatTemplate, none.hasChatTemplate]).toEqual([true, false]);
    expect(() => none.renderChat(messages)).toThrow("expected a chat template in chat_template.jinja or tokenizer_config.json, got none");
  });

  test("what cannot be done is refused in one line", async () => {
    await expect(loadTokenizer(await makeFolderOf({}))).rejects.toThrow(/tokenizer\.json: expected a JSON file, got no such file$/);
    await expect(loadTokenizer(await makeFolderOf({ "tokenizer.json": "{" }))).rejects.toThrow(/tokenizer\.json: expected JSON text/);
    await expect(loadTokenizer(await makeFolderOf({ "tokenizer.json": {} }))).rejects.toThrow(/model must be an object, got nothing/);
    const split = { "tokenizer.json": ab, "tokenizer_config.json": { split_special_tokens: true } };
    await expect(loadTokenizer(await makeFolderOf(split))).rejects.toThrow("split_special_tokens must be false");
  });
});
