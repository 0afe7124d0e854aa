// Prompts that are longer than a model is to be given.
import type { Message } from "../prompt-row.ts";
import type { Drop } from "../store/problem-store.ts";
import { forEachProblem, type FilterStep } from "./filter-step.ts";

export interface PromptLimit {
  /** Most tokens of a prompt. */
  readonly maxTokens: number;
  /** Counts the tokens of a prompt, messages as JSON text; its name goes into the report. */
  readonly tokenizer?: { readonly name: string; readonly count: (messages: readonly Message[]) => number };
}

/** Words, digits by threes, and every other character: at most as many as the tokens of any byte-level BPE. */
const PIECES = /\p{L}+|\p{N}{1,3}|[^\s\p{L}\p{N}]/gu;

/**
 * Drops prompts of more than `maxTokens` tokens. Without a tokenizer, pieces are counted (words, up to three digits, other characters), of
 * which a tokenizer makes at least as many tokens: nothing that fits is dropped.
 */
export function limitPrompts({ maxTokens, tokenizer }: PromptLimit): FilterStep {
  const count =
    tokenizer?.count ??
    ((messages: readonly { content: string }[]): number =>
      messages.reduce((sum, { content }) => sum + (content.match(PIECES)?.length ?? 0), 0));
  return {
    name: "prompt-length",
    options: { maxTokens, tokenizer: tokenizer?.name ?? "pieces" },
    async run(context) {
      const dropped: Drop[] = [];
      await forEachProblem(context, "prompt length", ["row", "prompt"], ({ row, prompt }) => {
        const tokens = count(JSON.parse(prompt!) as Message[]);
        if (tokens > maxTokens)
          dropped.push({
            row,
            kind: "prompt-too-long",
            detail: `${tokens} ${tokenizer === undefined ? "pieces" : "tokens"}, at most ${maxTokens}`,
          });
      });
      return { dropped, facts: { counted: tokenizer?.name ?? "pieces, a lower bound of tokens" } };
    },
  };
}
