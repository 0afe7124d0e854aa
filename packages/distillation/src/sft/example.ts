// One example of supervised fine-tuning as tokens: a prompt that is given, and the completion that is learnt.
import { DataError } from "@longcot/errors";
import type { Tokenizer } from "@longcot/language-model";

export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** What is to be learnt: a conversation whose last message is the assistant's, or a prompt and its completion as plain text. */
export type ExampleText = { readonly messages: readonly Message[] } | { readonly prompt: string; readonly completion: string };

/** The loss is on `tokens[promptLength …]`, the end token included. */
export interface Example {
  readonly tokens: Int32Array;
  readonly promptLength: number;
}

/** Tokens that an example teaches. */
export const completionLength = ({ tokens, promptLength }: Example): number => tokens.length - promptLength;

/**
 * Tokens of `text`: a conversation by the chat template, with the assistant's turn opened as it is when the model is asked, then the completion and
 * the end token. A completion's `<think>` is left out where the template has opened it already.
 * @throws DataError where the tokenizer names no end token, or the prompt is empty; ConfigError where messages need a template that is not there.
 */
export function encodeExample(tokenizer: Tokenizer, text: ExampleText): Example {
  const [end] = tokenizer.eosTokenIds;
  if (end === undefined)
    throw new DataError({ who: "encodeExample", argument: "tokenizer", expected: "one that names an end token", received: "none" });
  const { rendered, answer } = split(tokenizer, text);
  const prompt = tokenizer.encode(rendered);
  if (prompt.length === 0)
    throw new DataError({ who: "encodeExample", argument: "prompt", expected: "at least one token", received: "none" });
  const completion = tokenizer.encode(continuation(rendered, answer));
  return { tokens: Int32Array.from([...prompt, ...completion, end]), promptLength: prompt.length };
}

function split(tokenizer: Tokenizer, text: ExampleText): { rendered: string; answer: string } {
  if ("prompt" in text) return { rendered: text.prompt, answer: text.completion };
  const turns = text.messages.map(({ role, content }) => ({ role, content }));
  return { rendered: tokenizer.renderChat(turns.slice(0, -1), { addGenerationPrompt: true }), answer: turns.at(-1)!.content };
}

/** What is left of an assistant's turn once the generation prompt has opened its reasoning. */
function continuation(rendered: string, content: string): string {
  const opened = rendered.match(/<think>\s*$/);
  return opened !== null && content.startsWith("<think>") ? content.slice("<think>".length) : content;
}
