// Whether an answer is fit to be learnt from, by its text alone: its form, length, loops and script.
import { ConfigError } from "@longcot/errors";
import type { TeacherAnswer } from "./teacher.ts";

export interface AnswerChecks {
  /** `required`: reasoning in one `<think>…</think>` before the answer; `closed`: closed if opened. */
  readonly thinking: "required" | "closed";
  /** Completion tokens; characters / 4 where the teacher does not count. */
  readonly minTokens?: number;
  readonly maxTokens?: number;
  /** Largest {@link repeatedShare}. */
  readonly maxRepetition: number;
  /** Unicode scripts that letters may be of, such as `Latin`; absent: any. */
  readonly scripts?: readonly string[];
  /** Smallest share of letters that are of those scripts. */
  readonly minScriptShare: number;
}

export const ANSWER_FAULTS = ["refused", "truncated", "empty", "format", "too_short", "too_long", "repetition", "language"] as const;
export type AnswerFault = (typeof ANSWER_FAULTS)[number];

/** A function that says why an answer is unfit, or undefined. @throws ConfigError for a script that Unicode does not know. */
export function answerChecker(checks: AnswerChecks): (answer: TeacherAnswer) => AnswerFault | undefined {
  const isForeign = foreignLetters(checks.scripts);
  return (answer) => {
    const { text, truncated, refused } = answer;
    if (refused !== undefined) return "refused";
    if (truncated) return "truncated";
    if (text.trim() === "") return "empty";
    if (!hasForm(text, checks.thinking)) return "format";
    const tokens = answer.completionTokens ?? text.length / CHARACTERS_PER_TOKEN;
    if (tokens < (checks.minTokens ?? 0)) return "too_short";
    if (tokens > (checks.maxTokens ?? Infinity)) return "too_long";
    if (repeatedShare(text) > checks.maxRepetition) return "repetition";
    if (isForeign(text) > 1 - checks.minScriptShare) return "language";
    return undefined;
  };
}

/** A rough mean of English text, for teachers that do not count. */
const CHARACTERS_PER_TOKEN = 4;

/** Reasoning opened at the start and closed once, with an answer behind it; or no reasoning at all where that may be. */
function hasForm(text: string, thinking: AnswerChecks["thinking"]): boolean {
  const opened = text.split("<think>").length - 1;
  const closed = text.split("</think>").length - 1;
  if (opened === 0 && closed === 0) return thinking === "closed";
  if (opened !== 1 || closed !== 1 || !text.trimStart().startsWith("<think>")) return false;
  return text.slice(text.indexOf("</think>") + "</think>".length).trim() !== "";
}

/** Characters of a window of {@link repeatedShare}: longer than what ordinary prose repeats by chance. */
const WINDOW = 32;

/** Share of the text's windows of 32 characters that stand in it before: near 0 in prose, near 1 in a loop. 0 for shorter texts. */
export function repeatedShare(text: string): number {
  const windows = text.length - WINDOW + 1;
  if (windows < 1) return 0;
  const seen = new Set<string>();
  for (let start = 0; start < windows; start++) seen.add(text.slice(start, start + WINDOW));
  return 1 - seen.size / windows;
}

/** The share of a text's letters that are of none of `scripts`. */
function foreignLetters(scripts: readonly string[] | undefined): (text: string) => number {
  if (scripts === undefined) return () => 0;
  const known = scripts.map((script) => {
    try {
      if (/^\w+$/.test(script)) return new RegExp(`\\p{Script=${script}}`, "gu");
    } catch {
      // Named below.
    }
    throw new ConfigError({
      who: "answerChecker",
      argument: "scripts",
      expected: "names of Unicode scripts, such as Latin or Han",
      received: script,
    });
  });
  return (text) => {
    const letters = text.match(/\p{L}/gu)?.length ?? 0;
    if (letters === 0) return 0;
    const own = known.reduce((sum, script) => sum + (text.match(script)?.filter((letter) => /\p{L}/u.test(letter)).length ?? 0), 0);
    return (letters - own) / letters;
  };
}
