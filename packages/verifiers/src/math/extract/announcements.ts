// "The final answer is ...", "Answer: ...", "#### ...": where a response says that its answer follows.
import { parseAnswer } from "../syntax/parse-answer.ts";
import { bareAnswer } from "./bare.ts";
import { formulas } from "./formulas.ts";
import { joinLast } from "./passage.ts";
import type { Passage } from "./passage.ts";

/** Phrases that announce an answer; of two the one that ends last wins. No repetition in them: they scan in linear time. */
const FINAL = /final answers? (?:is|are|to [^.\n]{1,80} is)|final answer:|####/gi;
const ANY = /answers? (?:is|are)|(?:option|choice) is|answers?(?:\*\*)?:|answer =/gi;
/** How far behind the phrase a formula may begin, in characters. */
const REACH = 120;
const LONGEST_SENTENCE = 400;

export interface Announcement {
  readonly passage: Passage;
  readonly final: boolean;
}

/** What follows the last announcement: a formula that comes with no more than words before it, else the rest of the sentence. */
export function announcedAnswer(text: string): Announcement | undefined {
  const final = lastEnd(text, FINAL);
  const end = final ?? lastEnd(text, ANY);
  if (end === undefined) return undefined;
  const passage = answerAfter(text, end);
  return passage === undefined ? undefined : { passage, final: final !== undefined };
}

function lastEnd(text: string, phrase: RegExp): number | undefined {
  let end: number | undefined;
  for (const match of text.matchAll(phrase)) end = match.index + match[0].length;
  return end;
}

function answerAfter(text: string, from: number): Passage | undefined {
  let start = from;
  while (start < text.length && " \t\r\n*:_".includes(text[start]!)) start++;
  const reach = text.slice(start, start + REACH + LONGEST_SENTENCE);
  const sentence = reach.slice(0, sentenceEnd(reach));
  const all = formulas(reach);
  const first = all[0];
  if (first !== undefined && first.start <= REACH && !/[\d=]|\n\n/.test(reach.slice(0, first.start)) && first.start <= sentence.length) {
    // Formulas right behind it, joined by commas or words, are further parts of the answer.
    let joined = joinLast(reach, [first])!;
    for (let k = 2; k <= Math.min(all.length, 8); k++) {
      const more = joinLast(reach, all.slice(0, k))!;
      if (more.start !== first.start) break;
      joined = more;
    }
    return { content: joined.content, start: start + joined.start, end: start + joined.end };
  }
  const content = sentence.replaceAll("**", "").trim();
  if (content === "") return undefined;
  return { content: isAnswer(content) ? content : (bareAnswer(content) ?? content), start, end: start + sentence.length };
}

/** Whether words that follow an announcement can be read as they stand: then they are the answer, not a sentence around it. */
function isAnswer(content: string): boolean {
  return parseAnswer(content)?.expression !== undefined;
}

/** First line end, or full stop that does not stand inside a number. */
function sentenceEnd(text: string): number {
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "\n") return i;
    if (text[i] === "." && (i + 1 === text.length || " \n*".includes(text[i + 1]!))) return i;
  }
  return text.length;
}
