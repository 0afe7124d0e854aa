// Conventions of the math grader: what counts as an answer, and as the same answer, where mathematics does not say.

/** Conventions, each with a default: math-verify's, where it has one. */
export interface MathPolicy {
  /**
   * Which text may hold the answer. `closed-if-opened` (default): after the last `</think>`, and a `<think>` without an end
   * is no answer. `required`: a response without `</think>` is no answer, for chat templates whose prompt opens `<think>`.
   * `ignored`: the whole response.
   */
  readonly thinking: "closed-if-opened" | "required" | "ignored";
  /** `no-answer` (default): a response cut at the length cap earns 0 whatever it says. `grade`: judged like any other. */
  readonly truncated: "no-answer" | "grade";
  /**
   * A response without a box and without an announcement ("the final answer is ..."). `accept` (default): its last formula, else its
   * last number, is the answer. `refuse`: it has none.
   */
  readonly bareAnswer: "accept" | "refuse";
  /**
   * 25% is 0.25. When only one side has the sign it may also equal the bare number: `integers` (default): for whole percentages, 25;
   * `either`: for all, 12.5% equals 12.5; `exact`: never.
   */
  readonly percent: "integers" | "either" | "exact";
  /** A number written as a decimal equals what agrees with it when both are rounded to this many places (6). Others are exact. */
  readonly decimalPlaces: number;
  /** `drop` (default): 12 cm equals 12, and words that are no unit say nothing. `keep`: both sides need the same unit. */
  readonly units: "drop" | "keep";
  /** `fold` (default): A and a are one variable. `exact`: two. */
  readonly symbolCase: "fold" | "exact";
  /** Base of `\log` without one: 10 (default) or `e`. `\ln` is always natural. */
  readonly logBase: 10 | "e";
  /** `ordered` (default): (1,2) equals \{1,2\} written in the same order. `distinct`: never; 1,2 without brackets equals both anyway. */
  readonly tupleAsSet: "ordered" | "distinct";
}

export const DEFAULT_MATH_POLICY: MathPolicy = {
  thinking: "closed-if-opened",
  truncated: "no-answer",
  bareAnswer: "accept",
  percent: "integers",
  decimalPlaces: 6,
  units: "drop",
  symbolCase: "fold",
  logBase: 10,
  tupleAsSet: "ordered",
};
