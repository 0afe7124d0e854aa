// Every symbol that the arithmetic data set writes, so that a tokenizer of a few dozen ids covers it.

/** Opens the reasoning. The chat template's generation prompt ends with it, so that a completion starts right after it. */
export const THINK_OPEN = "<think>";
export const THINK_CLOSE = "</think>";
export const BOX_OPEN = "\\boxed{";
export const BOX_CLOSE = "}";

/** All texts of the data set are sequences of these: single characters and strings that stay whole. */
export const ARITHMETIC_ALPHABET = {
  characters: "0123456789+=;",
  strings: [THINK_OPEN, THINK_CLOSE, BOX_OPEN, BOX_CLOSE],
} as const;
