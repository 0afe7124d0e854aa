// Hand-computed ids. That transformers reads these files to the same ids and texts is checked by ../../fixtures/check-with-transformers.py.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makeFolderOf } from "../../fixtures/temporary-folder.ts";
import { characterTokenizerFiles, THINK_CHAT_TEMPLATE, type CharacterTokenizerOptions } from "./character-tokenizer.ts";
import { loadTokenizer } from "./tokenizer.ts";

const options: CharacterTokenizerOptions = {
  characters: "0123456789+-*= \né🙂}",
  markerTokens: ["<think>", "</think>", "\\boxed{"],
  specialTokens: ["<|pad|>", "<|user|>", "<|assistant|>", "<|end|>"],
  padToken: "<|pad|>",
  eosToken: "<|end|>",
  chatTemplate: THINK_CHAT_TEMPLATE,
  modelMaxLength: 256,
};
const tokenizer = await loadTokenizer(await makeFolderOf({ ...characterTokenizerFiles(options) }));

test("one token a character, one a marker, one a special token, ids in that order", () => {
  expect([...tokenizer.encode("12+3 <think>\n🙂é</think>\\boxed{15}<|end|>")]).toEqual([
    1, 2, 10, 3, 14, 19, 15, 17, 16, 20, 21, 1, 5, 18, 25,
  ]);
  expect([tokenizer.vocabularySize, tokenizer.largestTokenId]).toEqual([26, 25]);
  expect([tokenizer.padTokenId, ...tokenizer.eosTokenIds]).toEqual([22, 25]);
  expect([...tokenizer.encode("", { addSpecialTokens: true })]).toEqual([]);
});

test("decoding joins without spaces and keeps markers", () => {
  const text = "<|user|>1 + 2<|assistant|><think>3</think>\\boxed{3}<|end|><|pad|>";
  expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
  expect(tokenizer.decode(tokenizer.encode(text), { skipSpecialTokens: true })).toBe("1 + 2<think>3</think>\\boxed{3}");
});

test("any sequence of tokens as text comes back as itself", () => {
  const pieces = [...Array.from(options.characters), ...options.markerTokens!, ...options.specialTokens];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces)), (sequence) => {
      const ids = tokenizer.encode(sequence.join(""));
      expect([...ids]).toEqual(sequence.map((piece) => pieces.indexOf(piece)));
      expect(tokenizer.decode(ids)).toBe(sequence.join(""));
    }),
  );
});

test("a character outside the vocabulary is an error naming it, not dropped", () => {
  expect(() => tokenizer.encode("1+x<think>")).toThrow(
    /encode: text must be made of characters in the vocabulary of .*tokenizer\.json, got "x" \(U\+0078\)$/,
  );
  expect(() => tokenizer.encode("<thin")).toThrow('got "<" (U+003C)');
  expect(() => tokenizer.encode("12😀")).toThrow('got "😀" (U+1F600)');
});

test("the template wraps a question in one token and opens the reasoning", () => {
  const turns = [
    { role: "user", content: "1+2" },
    { role: "assistant", content: "<think>3</think>\\boxed{3}" },
    { role: "user", content: "2*2" },
  ];
  expect(tokenizer.renderChat(turns, { addGenerationPrompt: true })).toBe(
    "<|user|>1+2<|assistant|><think>3</think>\\boxed{3}<|end|><|user|>2*2<|assistant|><think>",
  );
  expect(tokenizer.renderChat(turns.slice(0, 1))).toBe("<|user|>1+2");
  expect(() => tokenizer.renderChat([{ role: "system", content: "be brief" }])).toThrow("roles are user and assistant, not system");
});

describe("refuses", () => {
  test.each<[string, Partial<CharacterTokenizerOptions>]>([
    ['each character and token once, got "1" again', { characters: "121" }],
    ["at least one character", { characters: "" }],
    ['at least two characters long, got "+"', { characters: "12", markerTokens: ["+"] }],
    ['eosToken must be one of specialTokens, got "<|stop|>"', { eosToken: "<|stop|>" }],
    ['padToken must be one of specialTokens, got "0"', { padToken: "0" }],
  ])("%s", (message, change) => {
    expect(() => characterTokenizerFiles({ ...options, ...change })).toThrow(message);
  });
});
