// One item of a list with the words around it: labels before it, units and remarks after it.
import type { Expression } from "./expression.ts";
import type { Grammar } from "./grammar.ts";
import { wordsExpression } from "./parse-prose.ts";
import { isUnitName, parseUnit } from "./units.ts";

/** `(B)`, `B.`, `(b) `: the label of a choice. */
const CHOICE = /^\(?([A-Za-z])(?:\)|\.|:)$/;
/** Words after which a condition follows that says when the value holds. */
const CONDITION = /^(?:if|for|when|where|with|as|since|otherwise|because|given|such that|is|are)\b/i;
/** Words that make of the number after them something else than a value. */
const BOUND =
  /^(?:not|at (?:least|most)|(?:no |strictly )?(?:less|more|fewer|greater|larger|smaller|higher|lower) than|up to|over|under|above|below|neither|between|except)$/i;
/** Ends what a remark may swallow. */
const ENDS_ITEM = new Set([",", ";", "\\and", "\\or", "\\\\", "&", ")", "]", "}", "\\}", "|", "\\rvert"]);

/** Reads an item; `relation` reads what is between the words. */
export function parseItem(g: Grammar, relation: (g: Grammar) => Expression): Expression {
  if (g.accept("\\ldots")) return { kind: "text", text: "..." };
  const label = g.peek();
  if (label?.kind === "text" && label.value.length > 1) {
    const labelled = g.attempt(() => parseLabelled(g, relation));
    if (labelled !== undefined) return labelled;
  }
  const lettered = g.position === 0 ? g.attempt(() => parseLettered(g, relation)) : undefined;
  if (lettered !== undefined) return lettered;
  const value = relation(g);
  return withWordsAfter(g, value, relation);
}

/** `(B) 12`, `B. 12`, `B) 12` at the start of an answer: a choice's letter and, after a space, what the choice says. */
function parseLettered(g: Grammar, relation: (g: Grammar) => Expression): Expression {
  const opened = g.accept("(");
  const letter = g.next();
  if (letter.kind !== "letter" || !/^[A-J]$/.test(letter.value)) g.fail();
  if (!g.accept(")") && (opened || !(g.accept(".") || g.accept(":")))) g.fail();
  const start = g.peek();
  if (start === undefined || !start.spaced || (start.kind === "symbol" && start.value !== "(" && start.value !== "-")) g.fail();
  const value = withWordsAfter(g, relation(g), relation);
  return { kind: "labelled", label: letter.value, value };
}

const CHOICES = /^(?:[A-J]|\([A-J]\))(?:\s*(?:,|and|&|,\s*and)\s*(?:[A-J]|\([A-J]\)))+$/;

/** `A, C and D`, `(B) and (C)`: several choices. */
function choiceList(text: string): Expression | undefined {
  if (!CHOICES.test(text)) return undefined;
  return { kind: "list", items: text.match(/[A-J](?![a-z])/g)!.map((name) => ({ kind: "symbol", name })) };
}

/** Words before a value. A choice's label stays with it, other words say nothing; words alone are the answer. */
function parseLabelled(g: Grammar, relation: (g: Grammar) => Expression): Expression {
  const words: string[] = [];
  while (g.peek()?.kind === "text") words.push(g.next().value);
  const text = words.join(" ");
  // Neither is not 17.
  if (BOUND.test(text)) g.fail();
  const choice = CHOICE.exec(text);
  if (g.done || ENDS_ITEM.has(g.peek()!.value)) {
    return choice === null
      ? (choiceList(text) ?? wordsExpression(text))
      : { kind: "labelled", label: choice[1]!.toUpperCase(), value: undefined };
  }
  // A word that is part of a formula, as in `Area = 5`: read it again with the formula.
  if (g.is("=") || g.is("^") || g.is("_") || g.is("(") || g.is("+") || g.is("-") || g.is("/") || g.is(":")) g.fail();
  const value = withWordsAfter(g, relation(g), relation);
  return choice === null ? value : { kind: "labelled", label: choice[1]!.toUpperCase(), value };
}

function withWordsAfter(g: Grammar, value: Expression, relation: (g: Grammar) => Expression): Expression {
  if (g.accept("\\ldots")) return withWordsAfter(g, value, relation);
  if (g.peek()?.kind !== "text") return value;
  const words = readUnit(g);
  // 3 to 2
  if (words === "to" && value.kind === "number" && g.peek()?.kind === "number") {
    const right = relation(g);
    return right.kind === "number" ? { kind: "ratio", items: [value, right] } : g.fail();
  }
  // 1 dollar and 25 cents
  const unit = g.peek()?.kind === "number" ? words.replace(/ and$/, "") : words;
  // At least 5 is not 5.
  if (/^(?:or|and)\b/i.test(unit)) g.fail();
  if (CONDITION.test(unit)) {
    while (!g.done && !ENDS_ITEM.has(g.peek()!.value)) g.next();
    return value;
  }
  const first = attachUnit(value, unit);
  // Compound quantities: 2 hours 30 minutes.
  if (g.peek()?.kind === "number" && parseUnit(unit) !== undefined) {
    const rest = parseItem(g, relation);
    return first.kind === "quantity" && rest.kind === "quantity" ? { kind: "sum", terms: [first, rest] } : g.fail();
  }
  return first;
}

/** A unit belongs to the last value of a relation: A = 12 cm. */
function attachUnit(amount: Expression, words: string): Expression {
  const { value, unit } = scaled(amount, words);
  if (unit === "") return value;
  if (value.kind !== "relation") return { kind: "quantity", value, unit };
  const last = value.operands.at(-1)!;
  return { ...value, operands: [...value.operands.slice(0, -1), { kind: "quantity", value: last, unit }] };
}

const SCALES: Readonly<Record<string, bigint>> = { hundred: 2n, thousand: 3n, million: 6n, billion: 9n, trillion: 12n };

/** `5 million dollars` is a number of dollars. */
function scaled(value: Expression, unit: string): { value: Expression; unit: string } {
  const [word = "", ...rest] = unit.split(" ");
  if (value.kind === "quantity") {
    // \$5 million per year
    const counted = scaled(value.value, unit);
    return { value: counted.value, unit: `${value.unit} ${counted.unit}`.trim() };
  }
  const zeros = value.kind === "number" ? SCALES[word.toLowerCase()] : undefined;
  if (zeros === undefined || value.kind !== "number") return { value, unit };
  const numerator = value.value.numerator * 10n ** zeros;
  return { value: { ...value, value: { ...value.value, numerator } }, unit: rest.join(" ") };
}

/** Words with their powers, products and quotients: `cm ^ 2`, `km / h`, `N \cdot m`. */
function readUnit(g: Grammar): string {
  let unit = "";
  for (;;) {
    const token = g.peek();
    if (token?.kind === "text") unit += `${unit === "" || unit.endsWith("/") ? "" : " "}${g.next().value}`;
    else if (g.is("^")) unit += `^${unitExponent(g)}`;
    else if ((g.is("/") || g.is("\\cdot")) && isUnitToken(g, 1)) unit += g.next().value === "/" ? "/" : " ";
    else if (token?.kind === "letter" && unit.endsWith("/") && isUnitName(token.value)) unit += g.next().value;
    else return unit;
  }
}

function isUnitToken(g: Grammar, ahead: number): boolean {
  const token = g.peek(ahead);
  return token?.kind === "text" || (token?.kind === "letter" && isUnitName(token.value));
}

function unitExponent(g: Grammar): string {
  g.next();
  const exponent = g.argument();
  const [sign, size] = exponent.kind === "negative" ? ["-", exponent.operand] : ["", exponent];
  return size.kind === "number" ? `${sign}${size.digits ?? ""}` : "";
}
