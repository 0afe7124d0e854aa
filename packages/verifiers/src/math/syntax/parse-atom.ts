// One factor without suffixes: a number, variable, constant, command, group or word.
import type { Expression } from "./expression.ts";
import type { Grammar } from "./grammar.ts";
import { parseAccumulation } from "./parse-accumulation.ts";
import { parseBars, parseBraces, parseBrackets, parseDelimited } from "./parse-bracket.ts";
import { parseEnvironment } from "./parse-environment.ts";
import { FUNCTION_COMMANDS, parseFunction } from "./parse-function.ts";
import { parseNumber } from "./parse-literal.ts";
import { parseName } from "./parse-name.ts";

const CONSTANTS: Readonly<Record<string, Expression>> = {
  "\\pi": { kind: "constant", name: "pi" },
  "\\infty": { kind: "constant", name: "infinity" },
  "\\imath": { kind: "constant", name: "i" },
  "\\emptyset": { kind: "namedSet", name: "empty" },
  "\\mathbb{R}": { kind: "namedSet", name: "R" },
  "\\mathbb{N}": { kind: "namedSet", name: "N" },
  "\\mathbb{Z}": { kind: "namedSet", name: "Z" },
  "\\mathbb{Q}": { kind: "namedSet", name: "Q" },
  "\\mathbb{C}": { kind: "namedSet", name: "C" },
  "\\R": { kind: "namedSet", name: "R" },
  "\\reals": { kind: "namedSet", name: "R" },
};

/** Commands that dress one argument without a meaning of their own here. */
const DRESSED = new Set(["\\vec", "\\hat", "\\tilde", "\\dot", "\\ddot", "\\angle", "\\triangle"]);

export function parseAtom(g: Grammar): Expression {
  const token = g.peek();
  if (token === undefined) g.fail();
  switch (token.kind) {
    case "number":
    case "repeating":
      return parseNumber(g);
    case "letter":
      return parseName(g);
    case "text":
      return parseTextAtom(g);
    case "symbol":
      return parseSymbol(g, token.value);
    case "command":
      return parseCommand(g, token.value);
  }
}

function parseSymbol(g: Grammar, value: string): Expression {
  if (value === "{") {
    g.next();
    return parseBraces(g);
  }
  if (value === "(" || value === "[") return parseBrackets(g);
  if (value === "|") return parseBars(g);
  // French intervals open with a closing bracket: ]0, 1[.
  if (value === "]") return parseBrackets(g);
  g.fail();
}

function parseCommand(g: Grammar, value: string): Expression {
  const constant = CONSTANTS[value];
  if (constant !== undefined) {
    g.next();
    return constant;
  }
  if (value === "\\$") {
    g.next();
    return { kind: "quantity", value: g.rules.factors(g), unit: "dollars" };
  }
  if (value.startsWith("\\begin{")) return parseEnvironment(g);
  if (FUNCTION_COMMANDS.has(value)) return parseFunction(g);
  const delimited = parseDelimited(g, value);
  if (delimited !== undefined) return delimited;
  const accumulation = parseAccumulation(g, value);
  if (accumulation !== undefined) return accumulation;
  if (DRESSED.has(value)) {
    g.next();
    return { kind: "apply", name: value, args: [g.argument()] };
  }
  if (/^\\[a-zA-Z]+$/.test(value) && !/^\\(?:end|and|or|right|left|over|choose)$/.test(value)) return parseName(g);
  g.fail();
}

/** Upright words inside a formula: a constant or variable of one letter, else the word itself. */
function parseTextAtom(g: Grammar): Expression {
  const text = g.peek()!.value;
  if (text.length === 1) return parseName(g);
  g.next();
  return { kind: "text", text };
}
