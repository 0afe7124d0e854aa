// Hard bounds of the math grader. All its passes are linear, so these bound time and memory per answer.

/** Longest answer that is compared, in UTF-16 units. Real answers stay below a thousand; past this a "box" is a runaway response. */
export const MAX_ANSWER_CHARS = 20_000;

/** Longest ground truth, in UTF-16 units: as {@link MAX_ANSWER_CHARS}, with room for the quotes and escapes of a JSON list. */
export const MAX_GROUND_TRUTH_CHARS = 100_000;

/** Most accepted answers of one problem. Each costs one comparison; data sets hold a handful. */
export const MAX_ACCEPTED_ANSWERS = 64;

/** Deepest brace nesting. Braces are matched with a stack, not by recursion: this bounds memory, not the call stack. */
export const MAX_BRACE_DEPTH = 200;

/** Most digits of one number literal. `BigInt(text)` of this size takes well below a millisecond. */
export const MAX_NUMBER_DIGITS = 4_000;

/** Largest |exponent| of scientific notation: the value then has no more digits than a written literal may have. */
export const MAX_DECIMAL_EXPONENT = 4_000;

/** Deepest nesting of an expression. The parser recurses: about ten calls a level, so this keeps it far from the stack's end. */
export const MAX_EXPRESSION_DEPTH = 120;

/** Deepest tree: what comes one after another, as in `x!!!!`, nests without the parser's recursing, but all later passes recurse. */
export const MAX_TREE_DEPTH = 300;

/** Most nodes of one expression. Answers have tens. */
export const MAX_EXPRESSION_NODES = 8_000;

/** Steps of one verdict: one is a node evaluated once, or as much arithmetic of big integers, 0.1 to 0.3 µs. */
export const MAX_EVALUATION_STEPS = 200_000;

/** Largest exact numerator or denominator, in bits: 5,000 factorial has 54,000. Larger numbers stay symbolic. */
export const MAX_EXACT_BITS = 65_536;

/** How much of a response's end is searched for its answer, in UTF-16 units: several times the longest responses in use. */
export const MAX_SEARCHED_CHARS = 400_000;
