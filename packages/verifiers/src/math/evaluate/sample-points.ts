// The points at which two expressions are compared: keyed by variable and number, the same for both sides.
import { real } from "./complex.ts";
import type { Complex } from "./complex.ts";
import { keyed } from "./keyed.ts";

/** What the variables of two expressions may be. */
export type Domain = "real" | "complex" | "whole";

/** Points with all variables positive come first: most functions are defined there. Then mixed signs, then values near 1. */
export function samplePoint(variables: readonly string[], domain: Domain, index: number): Map<string, Complex> {
  return new Map(variables.map((name) => [name, coordinate(name, domain, index)]));
}

function coordinate(name: string, domain: Domain, index: number): Complex {
  const draw = keyed(`${name}#${index}`);
  if (domain === "whole") return real(2 + Math.floor(draw * (6 + 2 * index)), 0);
  const re = index % 3 === 0 ? 0.4 + 2.5 * draw : index % 3 === 1 ? 5.4 * draw - 2.7 : 0.9 + 0.3 * draw;
  return domain === "complex" ? { re, im: 2 * keyed(`${name}#${index}#i`) - 1, err: 0 } : real(re, 0);
}
