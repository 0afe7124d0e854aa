// Names: variables, constants of one letter, indexed names, and functions applied to arguments.
import type { Expression } from "./expression.ts";
import type { Grammar } from "./grammar.ts";

/** Letters that name a function wherever parentheses follow. */
const FUNCTION_LETTERS = new Set(["f", "g", "h", "F", "G", "H", "\\phi", "\\psi", "\\Gamma", "\\Phi", "\\zeta"]);

/** A letter, Greek letter or other command, with its subscript and arguments. */
export function parseName(g: Grammar): Expression {
  const token = g.next();
  const bare = token.value;
  const indexed = g.accept("_") ? withIndex(bare, g.argument()) : undefined;
  if (FUNCTION_LETTERS.has(bare) && indexed === undefined && isInverse(g)) {
    for (let i = 0; i < INVERSE.length; i++) g.next();
    return applied(g, `${bare}^-1`, { kind: "symbol", name: bare });
  }
  const primes = countPrimes(g);
  if (indexed === undefined && primes === 0) {
    if (!g.bound.has(bare)) {
      if (bare === "e") return { kind: "constant", name: "e" };
      if (bare === "i") return { kind: "constant", name: "i" };
    }
  }
  const name: Expression = indexed ?? { kind: "symbol", name: bare };
  const primed = primes === 0 ? name : ({ ...name, name: `${nameOf(name)}${"'".repeat(primes)}` } as Expression);
  if (g.is("(") && isApplied(g, bare, indexed !== undefined || primes > 0)) return applied(g, nameOf(primed), primed);
  return primed;
}

const INVERSE = ["^", "{", "-", "1", "}"];

/** Whether `^{-1}(` follows: the inverse of a function and its argument. */
function isInverse(g: Grammar): boolean {
  return [...INVERSE, "("].every((value, i) => g.is(value, i));
}

function countPrimes(g: Grammar): number {
  let count = 0;
  while (g.accept("'")) count++;
  return count;
}

/** `a_1`, `x_{max}` and `a_n` are names; `F_{n+1}` is the sequence F at n+1. */
function withIndex(bare: string, index: Expression): Expression {
  const label = indexLabel(index);
  return label === undefined ? { kind: "apply", name: `${bare}_`, args: [index] } : { kind: "symbol", name: `${bare}_${label}` };
}

function indexLabel(index: Expression): string | undefined {
  switch (index.kind) {
    case "number":
      return index.digits;
    case "symbol":
    case "constant":
      return index.name;
    case "text":
      return index.text;
    case "list": {
      const labels = index.items.map(indexLabel);
      return labels.includes(undefined) ? undefined : labels.join(",");
    }
    case "product": {
      const labels = index.factors.map(indexLabel);
      return labels.includes(undefined) ? undefined : labels.join("");
    }
    default:
      return undefined;
  }
}

function nameOf(name: Expression): string {
  return name.kind === "symbol" || name.kind === "apply" ? name.name : "";
}

/**
 * Whether the parenthesis at the cursor holds arguments and not a factor: after f, g, h and indexed or primed names; after a capital
 * with one variable or number, `W(n)`; around several arguments; and on the left of a definition, `y(x) = ...`.
 */
function isApplied(g: Grammar, bare: string, decorated: boolean): boolean {
  if (FUNCTION_LETTERS.has(bare) || (decorated && /^[fghFGH]$/.test(bare))) return true;
  const argument = g.peek(1);
  const single = (argument?.kind === "letter" || argument?.kind === "number" || argument?.kind === "command") && g.is(")", 2);
  if (single && (/^[A-Z]$/.test(bare) || g.is("=", 3))) return true;
  return /^[A-Z]$/.test(bare) && (argument?.kind === "letter" || argument?.kind === "number") && g.is(",", 2);
}

function applied(g: Grammar, name: string, head: Expression): Expression {
  g.expect("(");
  const content = g.closed(")");
  const args = content.kind === "list" ? content.items : [content];
  if (name === "\\Gamma" && args.length === 1) return { kind: "call", name: "gamma", args };
  if (name === "\\zeta" && args.length === 1) return { kind: "call", name: "zeta", args };
  return { kind: "apply", name, args: head.kind === "apply" ? [...head.args, ...args] : args };
}
