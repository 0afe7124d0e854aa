// What the reward components know of a step's responses.

/** Graded responses, one entry per row in every column; groups of `groupSize` rows follow each other. */
export interface GradedResponses {
  readonly groupSize: number;
  /** [rows]: the response as text, without special tokens. */
  readonly texts: readonly string[];
  /** [rows]: its token ids. */
  readonly tokens: readonly ArrayLike<number>[];
  /** [rows]: whether it was cut at `maxLength`. */
  readonly truncated: readonly boolean[];
  /** The cap on a response, tokens. */
  readonly maxLength: number;
  /** [rows]: the verifier's score, 0 or 1 or what lies between. */
  readonly scores: readonly number[];
  /** [rows]: whether the verifier found it right. */
  readonly correct: readonly boolean[];
  /** [rows]: which form the answer has to have. */
  readonly abilities: readonly ("math" | "code")[];
  /** `required`: the prompt opens the reasoning, so that every response has to close it; else only what was opened has to be closed. */
  readonly thinking: "required" | "closed-if-opened";
}
