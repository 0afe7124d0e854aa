// An answer in steps as tokens, with the places where its steps end.
import { encodeExample } from "@longcot/distillation";
import type { Message } from "@longcot/distillation";
import type { Tokenizer } from "@longcot/language-model";

export interface EncodedSteps {
  tokens: Int32Array;
  /** [steps]: places of the tokens that end them: the last one of a step and its separator; of the last step the end token, or its own where it was cut. */
  ends: number[];
  /** Tokens of the answer, the end token included. */
  length: number;
}

/**
 * Steps are encoded one by one, as TRL does, so that no token belongs to two of them: with a tokenizer that joins a separator to what follows, tokens differ
 * from those of the text in one piece.
 */
export function encodeSteps(
  tokenizer: Tokenizer,
  {
    prompt,
    steps,
    separator,
    truncated = false,
  }: { prompt: readonly Message[]; steps: readonly string[]; separator: string; truncated?: boolean },
): EncodedSteps {
  const withSeparator = (step: string, i: number): string => (i < steps.length - 1 ? step + separator : step);
  const first = encodeExample(tokenizer, { messages: [...prompt, { role: "assistant", content: withSeparator(steps[0]!, 0) }] });
  const tokens = Array.from(first.tokens.subarray(0, -1));
  const ends = [tokens.length - 1];
  for (const [i, step] of steps.entries()) {
    if (i === 0) continue;
    tokens.push(...tokenizer.encode(withSeparator(step, i)));
    ends.push(tokens.length - 1);
  }
  if (!truncated) {
    tokens.push(first.tokens.at(-1)!);
    ends[ends.length - 1] = tokens.length - 1;
  }
  return { tokens: Int32Array.from(tokens), ends, length: tokens.length - first.promptLength };
}
