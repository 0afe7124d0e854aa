// Whatever brackets hold: groups, tuples and intervals, sets, absolute values, floors, vectors.
import type { Expression } from "./expression.ts";
import type { Grammar } from "./grammar.ts";
import { systemOf } from "./parse-environment.ts";
import { parseBase } from "./parse-literal.ts";

/** `( )`, `[ ]` and their mixtures; French intervals `]0, 1[`. One item is a group, several are a tuple or an interval. */
export function parseBrackets(g: Grammar): Expression {
  const english = g.is("]") ? undefined : g.attempt(() => bracketed(g, false));
  return english ?? bracketed(g, true);
}

function bracketed(g: Grammar, french: boolean): Expression {
  const opening = g.next().value;
  const outer = g.bracketCloses;
  g.bracketCloses = french;
  const content = g.nested(() => g.rules.list(g));
  g.bracketCloses = outer;
  const closing = g.next().value;
  if (closing !== ")" && closing !== "]" && !(french && closing === "[")) g.fail();
  const items = content.kind === "list" ? content.items : [content];
  if (items.length === 1) {
    if ((opening === "(") !== (closing === ")")) g.fail();
    const inner = items[0]!;
    if (g.is("_") && inner.kind === "number" && inner.digits !== undefined) return parseBase(g, inner.digits);
    return inner;
  }
  // Programs write a matrix as a list of rows.
  if (opening === "[" && closing === "]" && items.every(isRow) && items.every(({ items: row }) => row.length === items[0]!.items.length))
    return { kind: "matrix", rows: items.map((row) => row.items) };
  return {
    kind: "bracket",
    open: opening === "[" ? "[" : "(",
    close: closing === "]" ? "]" : ")",
    items,
  };
}

function isRow(item: Expression): item is Extract<Expression, { kind: "bracket" }> {
  return item.kind === "bracket" && item.open === "[" && item.close === "]";
}

/** The rest of `{...}`: a group, a fraction or binomial in TeX's infix form, or a set whose backslashes were lost. */
export function parseBraces(g: Grammar): Expression {
  if (g.accept("}")) return g.rules.factor(g);
  const left = g.nested(() => g.rules.list(g));
  for (const infix of ["\\over", "\\choose"]) {
    if (!g.accept(infix)) continue;
    const right = g.closed("}");
    return infix === "\\over"
      ? { kind: "quotient", numerator: left, denominator: right }
      : { kind: "call", name: "binomial", args: [left, right] };
  }
  g.expect("}");
  return left.kind === "list" ? { kind: "set", items: left.items } : left;
}

export function parseBars(g: Grammar): Expression {
  g.expect("|");
  const content = g.nested(() => {
    g.bars = 1;
    return g.rules.list(g);
  });
  g.expect("|");
  return absolute(content);
}

/** The group that the command `opening` begins, or undefined if it begins none. */
export function parseDelimited(g: Grammar, opening: string): Expression | undefined {
  switch (opening) {
    case "\\{":
      g.next();
      return g.attempt(() => parseSystem(g)) ?? parseSet(g);
    case "\\lvert":
      g.next();
      return absolute(g.closed("\\rvert"));
    case "\\lVert":
      g.next();
      return { kind: "call", name: "norm", args: [g.nested(() => normContent(g))] };
    case "\\lfloor":
      g.next();
      return { kind: "call", name: "floor", args: [g.closed("\\rfloor")] };
    case "\\lceil":
      g.next();
      return { kind: "call", name: "ceil", args: [g.closed("\\rceil")] };
    case "\\langle": {
      g.next();
      const content = g.closed("\\rangle");
      return content.kind === "list" ? { kind: "bracket", open: "(", close: ")", items: content.items } : content;
    }
    default:
      return undefined;
  }
}

/** Relations below each other with a brace on their left, and none on their right. */
function parseSystem(g: Grammar): Expression {
  if (!g.peek()?.value.startsWith("\\begin{")) g.fail();
  const content = g.rules.atom(g);
  const system = content.kind === "matrix" ? systemOf(content.rows) : content.kind === "list" ? content : undefined;
  if (system === undefined || g.is("\\}")) g.fail();
  return system;
}

function normContent(g: Grammar): Expression {
  g.bars = 1;
  const content = g.rules.list(g);
  if (!g.accept("\\rVert")) g.expect("\\lVert");
  return content;
}

function absolute(content: Expression): Expression {
  if (content.kind === "matrix") return { kind: "call", name: "det", args: [content] };
  return { kind: "call", name: "abs", args: [content] };
}

/** The rest of `\{...\}`: its elements, or one element and the conditions on it. */
function parseSet(g: Grammar): Expression {
  if (g.accept("\\}")) return { kind: "namedSet", name: "empty" };
  return g.nested(() => {
    const content = g.rules.list(g);
    if (g.accept("|") || g.accept(":") || g.accept("\\colon")) {
      g.inSet = false;
      const conditions = g.rules.list(g);
      g.expect("\\}");
      const given = conditions.kind === "list" ? conditions.items : [conditions];
      if (content.kind === "relation" && content.operators[0] === "in")
        return { kind: "setBuilder", element: content.operands[0]!, conditions: [content, ...given] };
      return { kind: "setBuilder", element: content, conditions: given };
    }
    g.expect("\\}");
    return { kind: "set", items: content.kind === "list" ? content.items : [content] };
  }, true);
}
