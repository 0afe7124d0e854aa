import { expect, test } from "vitest";
import { tinyTokenizer } from "../testing/tiny-model.ts";
import { completionLength, encodeExample } from "./example.ts";

test("a conversation is the template's prompt, what is left of the answer, and the end token", async () => {
  const tokenizer = await tinyTokenizer();
  const example = encodeExample(tokenizer, {
    messages: [
      { role: "user", content: "1+2" },
      { role: "assistant", content: "<think>1+2=3;</think>3" },
    ],
  });
  const text = tokenizer.renderChat([{ role: "user", content: "1+2" }], { addGenerationPrompt: true });
  expect(text.endsWith("<think>")).toBe(true);
  expect(tokenizer.decode(example.tokens.slice(0, example.promptLength))).toBe(text);
  expect(tokenizer.decode(example.tokens.slice(example.promptLength))).toBe("1+2=3;</think>3<|end|>");
});

test("a prompt and its completion are taken as they are", async () => {
  const tokenizer = await tinyTokenizer();
  const example = encodeExample(tokenizer, { prompt: "1+2=", completion: "3" });
  expect(tokenizer.decode(example.tokens)).toBe("1+2=3<|end|>");
  expect([example.promptLength, completionLength(example)]).toEqual([4, 2]);
  expect(() => encodeExample(tokenizer, { prompt: "", completion: "3" })).toThrow("prompt must be at least one token");
});
