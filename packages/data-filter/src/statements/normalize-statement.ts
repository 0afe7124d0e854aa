// A problem's statement without what does not make it another problem: width and case, spacing, labels before it, answer instructions.

/** Labels in front of a statement: `Problem 3.`, `Example 7:`, `12)`, `(5 points)`, `[10 marks]`, `Question:`, `Solve the following problem.` */
const LABEL =
  /^\s*(?:(?:problem|question|exercise|example|task|q|ex|no|prob)(?![a-z])\.?\s*(?:\d+(?:\.\d+)*)?\s*[.:)\]-]+|\d+(?:\.\d+)*\s*[.)]\s(?!\d)|[([]\s*\d+\s*(?:points?|marks?|pts?)\s*[)\]][.:]?|(?:please )?(?:solve|answer) (?:the following|this) (?:math(?:ematics)? )?(?:problem|question)\s*[.:])\s*/i;

/** A sentence that asks for a form of answer and says nothing about the problem. */
const INSTRUCTION = /\\boxed|\bstep[ -]by[ -]step\b|\bput your (?:final )?answer\b|\bfinal answer (?:with)?in\b/i;

/** Soft hyphens, zero-width characters, marks of direction. */
const INVISIBLE = /[\u00ad\u200b-\u200f\u2060\ufeff]/g;
/** `\frac12` for `\frac{1}{2}`. */
const SHORT_FRACTION = /\\[dtc]?frac\s*(\d)\s*(\d)/g;

/** Where a sentence ends; an answer instruction begins one of its own, also where nothing ends the one before it. */
const SENTENCE_END = /[.!?。？！]["')\]]?\s+|\s+(?=(?:let's think|please (?:reason|think|put|output|write))\b)/gi;

/**
 * Returns `text` in Unicode form NFKC and lower case, without instruction sentences at either end. Spacing is left as it is. A statement
 * that is nothing but instructions is returned whole.
 */
export function foldStatement(text: string): string {
  const folded = text
    .normalize("NFKC")
    .replace(INVISIBLE, "")
    .replace(SHORT_FRACTION, "\\frac{$1}{$2} ")
    .replace(/[\u2018\u2019]/g, "'")
    .replace(/[\u201c\u201d]/g, '"')
    .trim();
  return (withoutInstructions(folded) || folded).toLowerCase();
}

/** `folded` without the labels in front of it, unless it is nothing else. */
export function withoutLabels(folded: string): string {
  let statement = folded;
  for (let label = LABEL.exec(statement); label !== null && label[0].length < statement.length; label = LABEL.exec(statement))
    statement = statement.slice(label[0].length);
  return statement;
}

function withoutInstructions(text: string): string {
  if (!INSTRUCTION.test(text)) return text;
  const sentences = splitSentences(text);
  let [first, end] = [0, sentences.length];
  while (end > first && INSTRUCTION.test(sentences[end - 1]!)) end--;
  while (first < end && INSTRUCTION.test(sentences[first]!)) first++;
  return sentences.slice(first, end).join("").trim();
}

/** Sentences with their ends and the blanks behind them; joined they are the text. */
function splitSentences(text: string): string[] {
  const sentences: string[] = [];
  let start = 0;
  for (const { index, 0: end } of text.matchAll(SENTENCE_END)) {
    sentences.push(text.slice(start, index + end.length));
    start = index + end.length;
  }
  if (start < text.length) sentences.push(text.slice(start));
  return sentences;
}
