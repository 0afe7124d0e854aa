// A conversation as the model is asked it, and what its generation prompt asks of an answer.
import type { Tokenizer } from "@longcot/language-model";

interface Turn {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** Tokens of `messages` by the chat template, with the assistant's turn opened; without a template, of their contents line by line. */
export function encodePrompt(tokenizer: Tokenizer, messages: readonly Turn[]): Int32Array<ArrayBuffer> {
  const turns = messages.map(({ role, content }) => ({ role, content }));
  return tokenizer.encode(
    tokenizer.hasChatTemplate ? tokenizer.renderChat(turns, { addGenerationPrompt: true }) : turns.map(({ content }) => content).join("\n"),
  );
}

/** `required` where the generation prompt leaves the reasoning open, so that a response must close it before it can answer. */
export function thinkingOf(tokenizer: Tokenizer): "required" | "closed-if-opened" {
  if (!tokenizer.hasChatTemplate) return "closed-if-opened";
  const prompt = tokenizer.renderChat([{ role: "user", content: "1+1" }], { addGenerationPrompt: true });
  return prompt.lastIndexOf("<think>") > prompt.lastIndexOf("</think>") ? "required" : "closed-if-opened";
}
