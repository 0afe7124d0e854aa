// Functions that the evaluator knows, in LaTeX's ways of writing their arguments: \sin x, \sin^2 x, \log_2 8, \sqrt[3]{x}, \max(a,b).
import { integer } from "./expression.ts";
import type { Expression } from "./expression.ts";
import type { Grammar } from "./grammar.ts";
import { startsFactor } from "./parse-operators.ts";

const UNARY =
  "sin cos tan cot sec csc sinh cosh tanh coth sech csch arcsin arccos arctan arccot arcsec arccsc arsinh arcosh artanh ln lg exp arg sgn Re Im det".split(
    " ",
  );
const VARIADIC = ["max", "min", "gcd", "lcm"];
const INVERSES: Readonly<Record<string, string>> = {
  sin: "arcsin",
  cos: "arccos",
  tan: "arctan",
  cot: "arccot",
  sec: "arcsec",
  csc: "arccsc",
  sinh: "arsinh",
  cosh: "arcosh",
  tanh: "artanh",
};

const unary = new Set(UNARY);
const variadic = new Set(VARIADIC);

export const FUNCTION_COMMANDS: ReadonlySet<string> = new Set(
  [...UNARY, ...VARIADIC, "log", "frac", "binom", "sqrt", "overline", "bar"].map((name) => `\\${name}`),
);

export function parseFunction(g: Grammar): Expression {
  const name = g.next().value.slice(1);
  switch (name) {
    case "frac":
      return { kind: "quotient", numerator: g.argument(true), denominator: g.argument(true) };
    case "binom":
      return { kind: "call", name: "binomial", args: [g.argument(true), g.argument(true)] };
    case "sqrt":
      return parseRoot(g);
    case "overline":
    case "bar":
      return parseOverline(g);
    default:
      return parseNamed(g, name);
  }
}

function parseRoot(g: Grammar): Expression {
  const degree = g.accept("[") ? g.nested(() => parseRadicalDegree(g)) : integer(2);
  return { kind: "call", name: "root", args: [g.argument(), degree] };
}

function parseRadicalDegree(g: Grammar): Expression {
  const degree = g.rules.sum(g);
  g.expect("]");
  return degree;
}

/** A bar over one letter or expression is the complex conjugate; over two or more letters it names a segment. */
function parseOverline(g: Grammar): Expression {
  const content = g.argument();
  const isSegment = content.kind === "product" && content.factors.every(({ kind }) => kind === "symbol");
  return isSegment || content.kind === "text"
    ? { kind: "apply", name: "segment", args: [content] }
    : { kind: "call", name: "conjugate", args: [content] };
}

function parseNamed(g: Grammar, command: string): Expression {
  let name = command;
  let exponent: Expression | undefined;
  let base: Expression | undefined;
  for (;;) {
    if (exponent === undefined && g.accept("^")) exponent = parseExponent(g);
    else if (base === undefined && g.accept("_")) base = g.argument();
    else break;
  }
  if (
    exponent?.kind === "negative" &&
    exponent.operand.kind === "number" &&
    exponent.operand.value.numerator === exponent.operand.value.denominator
  ) {
    name = INVERSES[name] ?? g.fail();
    exponent = undefined;
  }
  const call = namedCall(g, name, base);
  return exponent === undefined ? call : { kind: "power", base: call, exponent };
}

function parseExponent(g: Grammar): Expression {
  if (g.accept("-")) return { kind: "negative", operand: g.argument() };
  return g.argument();
}

function namedCall(g: Grammar, name: string, base: Expression | undefined): Expression {
  if (variadic.has(name)) {
    const content = g.rules.atom(g);
    const items = content.kind === "list" || content.kind === "bracket" || content.kind === "set" ? content.items : [content];
    return { kind: "call", name, args: items };
  }
  if (name === "lg" && base === undefined) return { kind: "call", name: "log", args: [parseArgument(g), integer(10)] };
  if (name === "log") {
    const args = [parseArgument(g)];
    return { kind: "call", name: "log", args: base === undefined ? args : [...args, base] };
  }
  if (!unary.has(name) || base !== undefined) g.fail();
  return { kind: "call", name, args: [parseArgument(g)] };
}

/**
 * What a function applies to: one group if it begins with a bracket, else the factors side by side up to the next function or
 * bracket: \sin 2x\cos x is (\sin 2x)(\cos x), and \ln x(x+1) is (\ln x)(x+1).
 */
function parseArgument(g: Grammar): Expression {
  if (g.is("(") || g.is("[") || g.is("{") || g.is("\\lvert")) return g.rules.atom(g);
  if (g.is("-")) {
    g.next();
    return { kind: "negative", operand: parseArgument(g) };
  }
  return g.nested(() => {
    const factors = [g.rules.factor(g)];
    while (startsFactor(g) && continuesArgument(g, factors)) factors.push(g.rules.factor(g));
    return factors.length === 1 ? factors[0]! : { kind: "product", factors };
  });
}

function continuesArgument(g: Grammar, factors: readonly Expression[]): boolean {
  const token = g.peek()!;
  if (token.kind === "number" || token.kind === "repeating") return false;
  if (token.value === "(" || token.value === "[" || token.value === "\\{") return factors.every(({ kind }) => kind === "number");
  const named = token.value.slice(1);
  return !unary.has(named) && !variadic.has(named) && named !== "log" && named !== "sum" && named !== "int" && named !== "prod";
}
