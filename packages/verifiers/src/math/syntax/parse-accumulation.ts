// \sum, \prod, \int, \lim: a body, the variable it runs over, and the bounds.
import type { AccumulationOperator, Expression } from "./expression.ts";
import type { Grammar } from "./grammar.ts";

const OPERATORS: Readonly<Record<string, AccumulationOperator>> = {
  "\\sum": "sum",
  "\\prod": "product",
  "\\int": "integral",
  "\\lim": "limit",
};

/** The accumulation that the command at the cursor begins, or undefined if it begins none. */
export function parseAccumulation(g: Grammar, command: string): Expression | undefined {
  const operator = OPERATORS[command];
  if (operator === undefined) return undefined;
  g.next();
  let below: Expression | undefined;
  let upper: Expression | undefined;
  for (;;) {
    if (below === undefined && g.accept("_")) below = bound(g, operator);
    else if (upper === undefined && g.accept("^")) upper = g.argument();
    else break;
  }
  if (operator === "integral") return parseIntegral(g, below, upper);
  if (below?.kind !== "relation" || below.operands.length !== 2) g.fail();
  const [variable, lower] = below.operands;
  if (variable!.kind !== "symbol") g.fail();
  const body = withBound(g, variable!.name, () => g.nested(() => g.rules.factors(g)));
  return { kind: "accumulation", operator, variable: variable!.name, lower, upper, body };
}

/** A lower bound; the variable that it introduces may be called `i`. */
function bound(g: Grammar, operator: AccumulationOperator): Expression {
  const name = g.is("{") ? g.peek(1) : undefined;
  if (operator === "integral" || name?.kind !== "letter") return g.argument();
  return withBound(g, name.value, () => g.argument());
}

function withBound<T>(g: Grammar, name: string, rule: () => T): T {
  const added = !g.bound.has(name);
  g.bound.add(name);
  const result = rule();
  if (added) g.bound.delete(name);
  return result;
}

/** Reads the integrand up to `d` and a letter, which name the variable. */
function parseIntegral(g: Grammar, lower: Expression | undefined, upper: Expression | undefined): Expression {
  let ahead = 0;
  while (!isDifferential(g, ahead)) {
    if (g.peek(ahead) === undefined) g.fail();
    ahead++;
  }
  const variable = g.peek(ahead + 1)!.value;
  const outer = g.stopAt;
  g.stopAt = g.position + ahead;
  const body = withBound(g, variable, () => g.nested(() => g.rules.sum(g)));
  g.stopAt = outer;
  if (!isDifferential(g, 0)) g.fail();
  g.next();
  g.next();
  return { kind: "accumulation", operator: "integral", variable, lower, upper, body };
}

function isDifferential(g: Grammar, ahead: number): boolean {
  const d = g.peek(ahead);
  const variable = g.peek(ahead + 1);
  return (
    d?.value === "d" &&
    (d.kind === "letter" || d.kind === "text") &&
    (variable?.kind === "letter" || variable?.value.startsWith("\\") === true)
  );
}
