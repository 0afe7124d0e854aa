// The grammar's upper half: lists, relations, set expressions, ratios, and values with words around them.
import { MAX_ANSWER_CHARS, MAX_TREE_DEPTH } from "../limits.ts";
import { cleanLatex } from "./clean.ts";
import { childrenOf } from "./expression.ts";
import type { Expression, RelationOperator } from "./expression.ts";
import { Grammar, NotReadable } from "./grammar.ts";
import type { Rules } from "./grammar.ts";
import { lex } from "./lex.ts";
import { parseAtom } from "./parse-atom.ts";
import { parseFactor, parseFactors, parseSum } from "./parse-operators.ts";
import { parseItem } from "./parse-item.ts";
import { parseProse } from "./parse-prose.ts";
import { tokenText } from "./tokens.ts";

/** What an answer says, and its tokens on one line. `expression` is undefined if only its spelling can be compared. */
export interface ParsedAnswer {
  readonly expression: Expression | undefined;
  readonly spelling: string;
}

const RELATIONS: Readonly<Record<string, RelationOperator>> = {
  "=": "=",
  "\\ne": "!=",
  "<": "<",
  ">": ">",
  "\\le": "<=",
  "\\ge": ">=",
  "\\approx": "~",
  "\\sim": "~",
  "\\in": "in",
  "\\notin": "notin",
  "\\subset": "subset",
  "\\subseteq": "subset",
  "\\equiv": "equiv",
  "\\to": "to",
};

const SEPARATORS = [",", ";", "\\and", "\\or", "\\land", "\\lor", "\\\\"];

/** `item (separator item)*`; after an implication only what is implied counts. */
function parseList(g: Grammar): Expression {
  let items = [g.rules.item(g)];
  for (;;) {
    if (g.accept("\\Rightarrow")) items = [g.rules.item(g)];
    else if (acceptSeparators(g)) {
      if (g.done) break;
      items.push(exceptionOf(items.at(-1)!, g.rules.item(g)));
    } else break;
  }
  return items.length === 1 ? items[0]! : { kind: "list", items };
}

/** `x \\ne 1, 2`: what follows an excluded value is excluded too. */
function exceptionOf(previous: Expression, item: Expression): Expression {
  if (previous.kind !== "relation" || previous.operators.length !== 1 || previous.operators[0] !== "!=" || item.kind !== "number")
    return item;
  return { ...previous, operands: [previous.operands[0]!, item] };
}

function acceptSeparators(g: Grammar): boolean {
  let found = false;
  while (SEPARATORS.some((separator) => g.accept(separator))) found = true;
  return found;
}

/** `set-expression (operator set-expression)*`, where `<=` and `!=` may be typed. */
export function parseRelation(g: Grammar): Expression {
  // `= 5`, `\\approx 5`: what it is said of stands before the answer.
  if (g.is("=") || g.is("\\approx") || g.is("\\sim")) g.next();
  const operands = [parseRatio(g)];
  const operators: RelationOperator[] = [];
  for (;;) {
    const operator = relationOperator(g);
    if (operator === undefined) break;
    operators.push(operator);
    operands.push(parseRatio(g));
  }
  if (operators.length === 0) return withoutModulus(g, operands[0]!);
  return congruence(g, operands, operators) ?? { kind: "relation", operands, operators };
}

/** `3 \\pmod 7` alone names the residue. */
function withoutModulus(g: Grammar, value: Expression): Expression {
  if (g.accept("\\pmod") || g.accept("\\pod")) g.argument();
  return value;
}

/** `a \\equiv b \\pmod m`, also with `\\mod m` or `(\\mod m)`, as one statement on three numbers. */
function congruence(g: Grammar, operands: readonly Expression[], operators: readonly RelationOperator[]): Expression | undefined {
  const [a, b] = operands;
  if (operands.length !== 2 || (operators[0] !== "equiv" && operators[0] !== "=")) return undefined;
  const statement = (right: Expression, modulus: Expression): Expression => ({
    kind: "apply",
    name: "congruent",
    args: [a!, right, modulus],
  });
  if (g.accept("\\pmod") || g.accept("\\pod")) return statement(b!, g.argument());
  if (operators[0] === "equiv" && g.is("(") && g.is("\\bmod", 1)) {
    g.next();
    g.next();
    return statement(b!, g.closed(")"));
  }
  return operators[0] === "equiv" && b!.kind === "call" && b!.name === "mod" ? statement(b!.args[0]!, b!.args[1]!) : undefined;
}

function relationOperator(g: Grammar): RelationOperator | undefined {
  const token = g.peek();
  if (token === undefined || token.kind === "text") return undefined;
  if (token.value === "!" && g.is("=", 1)) {
    g.next();
    g.next();
    return "!=";
  }
  const operator = Object.hasOwn(RELATIONS, token.value) ? RELATIONS[token.value] : undefined;
  if (operator === undefined) return undefined;
  g.next();
  if ((operator === "<" || operator === ">") && g.accept("=")) return `${operator}=`;
  if (operator === "=" && (g.is("<") || g.is(">"))) return g.next().value === "<" ? "<=" : ">=";
  if (operator === "=") g.accept("=");
  return operator;
}

/** `a : b : c` */
function parseRatio(g: Grammar): Expression {
  const items = [parseSetExpression(g)];
  while (!g.inSet && (g.accept(":") || g.accept("\\colon"))) items.push(parseSetExpression(g));
  return items.length === 1 ? items[0]! : { kind: "ratio", items };
}

const SET_OPERATORS = [
  ["\\cup", "union"],
  ["\\cap", "intersection"],
  ["\\setminus", "difference"],
] as const;

function parseSetExpression(g: Grammar): Expression {
  let left = g.rules.sum(g);
  for (;;) {
    const found = SET_OPERATORS.find(([token]) => g.accept(token));
    if (found === undefined) break;
    left = { kind: "setOperation", operator: found[1], left, right: g.rules.sum(g) };
  }
  // R - {0} is a difference of sets, not of numbers.
  if (left.kind === "sum" && left.terms.length === 2 && left.terms[0]!.kind === "namedSet" && left.terms[1]!.kind === "negative")
    return { kind: "setOperation", operator: "difference", left: left.terms[0]!, right: left.terms[1]!.operand };
  return left;
}

const RULES: Rules = {
  list: parseList,
  item: (g) => parseItem(g, parseRelation),
  sum: parseSum,
  factors: parseFactors,
  factor: parseFactor,
  atom: parseAtom,
};

/**
 * Reads an answer's LaTeX or plain text. Undefined when it is blank, too long or has unbalanced braces: then it says nothing.
 * Never throws; time and memory are bounded by the limits on characters, nodes and depth.
 */
export function parseAnswer(text: string): ParsedAnswer | undefined {
  if (text.length > MAX_ANSWER_CHARS) return undefined;
  const clean = cleanLatex(text);
  const tokens = clean.length > MAX_ANSWER_CHARS * 2 ? undefined : lex(clean);
  if (tokens === undefined || tokens.every(({ value }) => value === "{" || value === "}" || value === ".")) return undefined;
  const spelling = tokenText(tokens);
  const prose = parseProse(clean);
  if (prose !== undefined) return { expression: prose, spelling };
  try {
    const g = new Grammar(tokens, RULES);
    const expression = parseList(g);
    while (g.accept(".") || g.accept("\\ldots")) continue;
    return { expression: g.done && isShallow(expression) ? expression : undefined, spelling };
  } catch (error) {
    if (error instanceof NotReadable) return { expression: undefined, spelling };
    throw error;
  }
}

/** Whether the tree is no deeper than later passes, which recurse, may go. Itself it does not recurse. */
function isShallow(expression: Expression): boolean {
  let level: readonly Expression[] = [expression];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_TREE_DEPTH) return false;
    level = level.flatMap(childrenOf);
  }
  return true;
}
