// What is asked of a server and what comes back.
import { createHash } from "node:crypto";

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** How an answer is drawn. Fields that are absent are left to the server. */
export interface Sampling {
  readonly temperature?: number;
  /** In (0, 1]. */
  readonly topP?: number;
  /** Most tokens of the answer. */
  readonly maxTokens?: number;
  readonly seed?: number;
}

/** One question. `sample` tells apart the several times that the same question is asked. */
export interface Question {
  readonly messages: readonly ChatMessage[];
  readonly sampling?: Sampling;
  readonly sample?: number;
}

export interface Answer {
  /** The answer; a server that splits reasoning off has it in `reasoning`. */
  readonly text: string;
  readonly reasoning?: string;
  /** `length`: cut at the cap. */
  readonly finishReason: "stop" | "length" | "other";
  /** Tokens, as the server counted them; absent where it does not say. */
  readonly promptTokens?: number;
  readonly completionTokens?: number;
}

/** The question's name in the store: equal for what would be asked in the same words of the same model. */
export function questionKey(model: string, { messages, sampling = {}, sample = 0 }: Question): string {
  const { temperature = null, topP = null, maxTokens = null, seed = null } = sampling;
  const asked = [model, messages.map(({ role, content }) => [role, content]), temperature, topP, maxTokens, seed, sample];
  return createHash("sha256").update(JSON.stringify(asked)).digest("hex");
}
