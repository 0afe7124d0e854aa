// \begin{...} ... \end{...}: matrices, determinants, cases, and aligned lines.
import type { Expression } from "./expression.ts";
import type { Grammar } from "./grammar.ts";

const MATRICES = new Set(["matrix", "pmatrix", "bmatrix", "Bmatrix", "smallmatrix", "array", "tabular"]);
const LINES = new Set(["aligned", "align", "gathered", "gather", "split", "equation", "eqnarray", "alignedat"]);

export function parseEnvironment(g: Grammar): Expression {
  const name = g.next().value.slice("\\begin{".length, -1);
  if (name === "array" || name === "tabular" || name === "alignedat") skipGroup(g);
  const rows = g.nested(() => parseRows(g, name));
  if (MATRICES.has(name)) return matrix(g, rows);
  if (name === "vmatrix") return { kind: "call", name: "det", args: [matrix(g, rows)] };
  if (name === "cases") return systemOf(rows) ?? { kind: "cases", rows };
  if (LINES.has(name)) {
    const items = rows.flat().flatMap((item) => (item.kind === "list" ? item.items : [item]));
    return items.length === 1 ? items[0]! : { kind: "list", items };
  }
  g.fail();
}

/** Relations one below the other, as a list; undefined for anything else. */
export function systemOf(rows: readonly (readonly Expression[])[]): Expression | undefined {
  const items = rows.flat();
  if (items.length !== rows.length || !items.every(({ kind }) => kind === "relation")) return undefined;
  return items.length === 1 ? items[0]! : { kind: "list", items };
}

function matrix(g: Grammar, rows: readonly (readonly Expression[])[]): Expression {
  const width = rows[0]?.length ?? 0;
  if (width === 0 || rows.some((row) => row.length !== width)) g.fail();
  return { kind: "matrix", rows };
}

function parseRows(g: Grammar, name: string): Expression[][] {
  const end = `\\end{${name}}`;
  const rows: Expression[][] = [];
  let row: Expression[] = [];
  while (!g.accept(end)) {
    if (g.accept("\\\\")) {
      if (row.length > 0) rows.push(row);
      row = [];
    } else if (!g.accept("&")) {
      // A list would take the row break for a separator.
      row.push(g.rules.item(g));
      while (name !== "array" && g.accept(",")) if (!g.is("\\\\") && !g.is("&") && !g.is(end)) row.push(g.rules.item(g));
      g.accept(".");
    }
  }
  if (row.length > 0) rows.push(row);
  return rows;
}

/** The column specification of an array. */
function skipGroup(g: Grammar): void {
  if (!g.accept("{")) return;
  while (!g.accept("}")) g.next();
}
