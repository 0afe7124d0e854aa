// A run of letters in mathematics: variables, a function's name, a unit, or a word.
import { WORD_COMMANDS } from "./spelling.ts";
import type { TokenKind } from "./tokens.ts";
import { ITALIC_UNITS } from "./units.ts";

export interface LetterPart {
  readonly kind: TokenKind;
  readonly value: string;
}

/** Runs this long are words, not products of variables. */
const WORD_LENGTH = 4;
const GLUED_FUNCTION = /^([a-zA-Z]?)(arcsin|arccos|arctan|sin|cos|tan|cot|sec|csc|ln|log|exp|sqrt)([a-zA-Z]{0,2})$/;
const GLUED_PI = /^([a-zA-Z]?)pi([a-zA-Z]?)$/;

/** The parts of `run`; `next` and `previous` are the characters around it. */
export function splitLetters(run: string, next: string | undefined, previous: string | undefined): LetterPart[] {
  if (run.length === 1) return [{ kind: "letter", value: run }];
  const command = WORD_COMMANDS.get(run) ?? WORD_COMMANDS.get(run.toLowerCase());
  if (command !== undefined && run !== "oo" && !(run === "inf" && next === "_"))
    return [{ kind: command === "%" ? "symbol" : "command", value: command }];
  if (ITALIC_UNITS.has(run) && previous !== "\\") return [{ kind: "text", value: run }];
  const glued = GLUED_FUNCTION.exec(run);
  if (glued !== null) return [...letters(glued[1]!), { kind: "command", value: WORD_COMMANDS.get(glued[2]!)! }, ...letters(glued[3]!)];
  const pi = GLUED_PI.exec(run);
  if (pi !== null) return [...letters(pi[1]!), { kind: "command", value: "\\pi" }, ...letters(pi[2]!)];
  return run.length >= WORD_LENGTH ? [{ kind: "text", value: run }] : letters(run);
}

function letters(run: string): LetterPart[] {
  return Array.from(run, (value) => ({ kind: "letter", value }));
}
