// Conventions of the math grader: what counts as an answer where mathematics does not say.

/** Conventions, each with the default that the Skywork-OR1 paper or math-verify uses. */
export interface MathPolicy {
  /**
   * Which text may hold the answer. `closed-if-opened` (default): after the last `</think>`, and a `<think>` without an end
   * is no answer. `required`: a response without `</think>` is no answer, for chat templates whose prompt opens `<think>`.
   * `ignored`: the whole response.
   */
  readonly thinking: "closed-if-opened" | "required" | "ignored";
  /** `no-answer` (default): a response cut at the length cap earns 0 whatever it says. `grade`: judged like any other. */
  readonly truncated: "no-answer" | "grade";
  /** `refuse` (default): an answer must be boxed or announced ("the final answer is ..."). `last-line`: else the last line is it. */
  readonly bareAnswer: "refuse" | "last-line";
  /** `either` (default): 25% equals both 25 and 0.25 when only one side has the sign. `exact`: only 0.25. */
  readonly percent: "either" | "exact";
}

export const DEFAULT_MATH_POLICY: MathPolicy = {
  thinking: "closed-if-opened",
  truncated: "no-answer",
  bareAnswer: "refuse",
  percent: "either",
};
