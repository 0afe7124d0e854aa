// Arithmetic: sums, products, factors side by side, powers and what else may follow a factor.
import { integer } from "./expression.ts";
import type { Expression } from "./expression.ts";
import type { Grammar } from "./grammar.ts";
import { numberNode } from "./parse-number.ts";
import { isUnitName } from "./units.ts";

const TIMES = new Set(["*", "\\cdot", "\\times"]);
const OVER = new Set(["/", "\\div"]);

/** Commands that end a run of factors: operators, relations, separators, closers. */
const NOT_FACTORS = new Set(
  (
    "+ - * / , ; : = < > ) ] } \\} & \\rvert \\rVert \\rangle \\rfloor \\rceil \\cdot \\times \\div \\pm \\mp \\cup \\cap \\setminus \\le \\ge \\ne \\approx " +
    "\\in \\notin \\subset \\subseteq \\equiv \\to \\Rightarrow \\sim \\propto \\and \\or \\land \\lor \\\\ \\bmod \\pmod \\pod ^ _ ! % ' . \\ldots \\over \\choose " +
    "\\colon \\degrees \\circ \\parallel \\perp \\supset \\supseteq \\ll \\gg \\prime ? \\qed \\blacksquare \\atop"
  ).split(" "),
);

const SIGNS = ["+", "-", "\\pm", "\\mp"];

/** `[sign] term (+|-|\\pm|\\mp term)*` */
export function parseSum(g: Grammar): Expression {
  let terms: Expression[] = [];
  const whole = (): Expression => (terms.length === 1 ? terms[0]! : { kind: "sum", terms });
  do {
    const operator = SIGNS.find((sign) => g.accept(sign));
    if (operator === "\\pm" || operator === "\\mp") {
      const first = terms.length === 0 ? undefined : whole();
      terms = [{ kind: "plusMinus", first, second: parseProduct(g), sign: operator === "\\pm" ? 1 : -1 }];
    } else {
      const term = parseSigned(g);
      terms.push(operator === "-" ? negate(term) : term);
    }
  } while (SIGNS.some((sign) => g.is(sign)));
  return whole();
}

function parseSigned(g: Grammar): Expression {
  let negative = false;
  while (g.is("-") || g.is("+")) negative = g.next().value === "-" ? !negative : negative;
  const operand = parseProduct(g);
  return negative ? negate(operand) : operand;
}

function negate(operand: Expression): Expression {
  return { kind: "negative", operand };
}

/** Explicit products and quotients, from the left; what stands side by side binds tighter: 1/2x is 1/(2x). */
function parseProduct(g: Grammar): Expression {
  let left = g.rules.factors(g);
  for (;;) {
    const operator = g.peek();
    if (operator === undefined || operator.kind === "text") return left;
    if (operator.value === "\\bmod") {
      g.next();
      left = { kind: "call", name: "mod", args: [left, signedFactors(g)] };
      continue;
    }
    const times = TIMES.has(operator.value);
    if (!times && !OVER.has(operator.value)) return left;
    g.next();
    const right = signedFactors(g);
    if (!times) left = { kind: "quotient", numerator: left, denominator: right };
    else left = { kind: "product", factors: left.kind === "product" ? [...left.factors, right] : [left, right] };
  }
}

function signedFactors(g: Grammar): Expression {
  if (g.accept("-")) return negate(g.rules.factors(g));
  g.accept("+");
  return g.rules.factors(g);
}

/** Factors side by side; an integer before a proper fraction is a mixed number. */
export function parseFactors(g: Grammar): Expression {
  const factors: Expression[] = [];
  for (;;) {
    const start = g.peek();
    const factor = g.rules.factor(g);
    const previous = factors.at(-1);
    if (previous !== undefined && isPlainInteger(previous) && (start?.value === "\\frac" || start?.kind === "number")) {
      // The sign after the fraction of a mixed number is the whole number's.
      const signed = factor.kind === "percent" || factor.kind === "degree" ? factor : undefined;
      const fraction = start.kind === "number" ? spacedFraction(g, factor, start.spaced) : (signed?.operand ?? factor);
      const value = fraction === undefined ? undefined : mixedNumber(previous, fraction);
      const mixed = value === undefined || signed === undefined ? value : { ...signed, operand: value };
      if (mixed !== undefined) factors[factors.length - 1] = mixed;
      else if (start.kind === "number") g.fail();
      else factors.push(factor);
    } else if (start?.kind === "number" && previous?.kind === "number") g.fail();
    else factors.push(factor);
    if (!startsFactor(g)) break;
  }
  return factors.length === 1 ? factors[0]! : { kind: "product", factors };
}

/** The fraction of `2 1/3`, whose numerator has been read. */
function spacedFraction(g: Grammar, numerator: Expression, spaced: boolean): Expression | undefined {
  if (!spaced || !g.is("/") || g.peek(1)?.kind !== "number") return undefined;
  g.next();
  return { kind: "quotient", numerator, denominator: numberNode(g.next()) };
}

function mixedNumber(whole: Expression, fraction: Expression): Expression | undefined {
  if (fraction.kind !== "quotient" || !isPlainInteger(fraction.numerator) || !isPlainInteger(fraction.denominator)) return undefined;
  const proper = fraction.numerator.value.numerator < fraction.denominator.value.numerator;
  return proper ? { kind: "sum", terms: [whole, fraction] } : undefined;
}

function isPlainInteger(expression: Expression): expression is Extract<Expression, { kind: "number" }> {
  return expression.kind === "number" && !expression.decimal && expression.base === undefined;
}

/** Whether the token at the cursor can begin another factor. */
export function startsFactor(g: Grammar): boolean {
  const token = g.peek();
  if (token === undefined) return false;
  if (token.kind === "text") return token.value.length === 1 && !(isUnitName(token.value) || /[^a-zA-Z]/.test(token.value));
  if (g.position === g.stopAt) return false;
  if (token.value === "|") return g.bars === 0 && !g.inSet;
  if (token.value === "\\lVert") return g.bars === 0;
  if (token.value === "(" && g.is("\\bmod", 1)) return false;
  if (token.value === "[") return !g.bracketCloses;
  if (token.value.startsWith("\\end{")) return false;
  return !NOT_FACTORS.has(token.value);
}

/** A factor and its suffixes: powers, factorials, percent, degrees, primes. */
export function parseFactor(g: Grammar): Expression {
  let value = signedNumbers(g, g.rules.atom(g));
  for (;;) {
    if (g.accept("^")) value = power(g, value);
    else if (g.accept("!")) {
      const double = g.accept("!");
      value = { kind: "call", name: double ? "doubleFactorial" : "factorial", args: [value] };
    } else if (g.accept("%")) value = { kind: "percent", operand: value };
    else if (g.accept("\\degrees") || g.accept("\\circ")) value = { kind: "degree", operand: value };
    else if (value.kind === "degree" && g.peek()?.kind === "number" && g.is("'", 1))
      value = { ...value, operand: withMinutes(g, value.operand) };
    else if (value.kind === "degree" && /^[CF]$/.test(g.peek()?.value ?? "")) value = temperature(g, value.operand);
    else if (g.accept("'") || g.accept("\\prime")) value = primed(value);
    else return value;
  }
}

/** `20^\\circ 30' 15''`: minutes and seconds of arc. */
function withMinutes(g: Grammar, degrees: Expression): Expression {
  const terms = [degrees];
  for (const share of [60n, 3600n]) {
    if (g.peek()?.kind !== "number" || !g.is("'", 1)) break;
    const part = numberNode(g.next());
    while (g.accept("'")) continue;
    terms.push({ kind: "quotient", numerator: part, denominator: integer(share) });
  }
  return { kind: "sum", terms };
}

/** `20^\\circ C` */
function temperature(g: Grammar, value: Expression): Expression {
  return { kind: "quantity", value, unit: g.next().value === "C" ? "celsius" : "fahrenheit" };
}

/** `\\mathbb{R}^+`: the positive ones; of the reals an interval. */
function signedNumbers(g: Grammar, value: Expression): Expression {
  if (value.kind !== "namedSet" || value.name === "empty") return value;
  const braced = g.is("^") && g.is("{", 1) && g.is("}", 3);
  const sign = g.is("^") ? g.peek(braced ? 2 : 1)?.value : undefined;
  if (sign !== "+" && sign !== "-") return value;
  for (let i = 0; i < (braced ? 4 : 2); i++) g.next();
  if (value.name !== "R") return { kind: "apply", name: `${value.name}${sign}`, args: [] };
  const infinity: Expression = { kind: "constant", name: "infinity" };
  const items = sign === "+" ? [integer(0), infinity] : [negate(infinity), integer(0)];
  return { kind: "bracket", open: "(", close: ")", items };
}

function power(g: Grammar, base: Expression): Expression {
  if (g.accept("\\circ")) return { kind: "degree", operand: base };
  if (g.is("{") && g.is("\\circ", 1) && g.is("}", 2)) {
    for (let i = 0; i < 3; i++) g.next();
    return { kind: "degree", operand: base };
  }
  if (g.accept("\\prime") || g.accept("'")) return primed(base);
  if (g.is("{") && g.is("\\prime", 1) && g.is("}", 2)) {
    for (let i = 0; i < 3; i++) g.next();
    return primed(base);
  }
  if (g.accept("-")) return { kind: "power", base, exponent: { kind: "negative", operand: g.argument() } };
  g.accept("+");
  const exponent = g.argument();
  // 2^{nd} is second, not a power.
  if (exponent.kind === "text" && /^(?:st|nd|rd|th)$/.test(exponent.text)) return base;
  return { kind: "power", base, exponent };
}

/** A derivative or another variable: its name with a prime. */
function primed(value: Expression): Expression {
  if (value.kind === "symbol") return { kind: "symbol", name: `${value.name}'` };
  if (value.kind === "apply") return { ...value, name: `${value.name}'` };
  return { kind: "apply", name: "'", args: [value] };
}
