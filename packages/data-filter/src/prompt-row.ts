// A problem to train or evaluate on, as the rest of longcot sees it, and a conversation to imitate.

/** One chat message. */
export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** One problem. Immutable; made by `loadPrompts`, which has checked every field. */
export interface PromptRow {
  /**
   * Stable name of the problem: `extra_info.index` when all rows of its file have one and no two share it, else the row number,
   * counted from 0. With several files it is `<file name>/<that>`.
   */
  readonly promptId: string;
  /** Where the problem comes from; metrics are split by it. */
  readonly dataSource: string;
  /** At least one message; the last is the user's. */
  readonly messages: readonly Message[];
  readonly ability: "math" | "code";
  /** What the verifier of `ability` compares with: text, or JSON text. */
  readonly groundTruth: string;
  /** Column `extra_info` as it came; empty when absent or null. 64-bit integers are numbers where these hold them exactly. */
  readonly extraInfo: Readonly<Record<string, unknown>>;
  /** Difficulty, from `extra_info.level`; absent when that is no number. */
  readonly level?: number;
}

/** One conversation for supervised fine-tuning. */
export interface Conversation {
  /** As {@link PromptRow.promptId}. */
  readonly conversationId: string;
  /** At least two messages; the last is the assistant's, and is what is learnt. */
  readonly messages: readonly Message[];
  /** Column `data_source`; absent when the file has none. */
  readonly dataSource?: string;
  readonly extraInfo: Readonly<Record<string, unknown>>;
  readonly level?: number;
}

/** A row that was left out, and why. */
export interface RejectedRow {
  readonly file: string;
  /** Row number in its file, from 0 (line number minus one for JSONL). */
  readonly row: number;
  /** Path of the value at fault, such as `reward_model.ground_truth`. */
  readonly column: string;
  readonly expected: string;
  readonly received: string;
}
