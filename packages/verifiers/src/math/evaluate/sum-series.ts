// Infinite series by Levin's u-transformation, which speeds up linear, alternating and logarithmic convergence alike.
// Source: Levin, Development of non-linear transformations for improving convergence of sequences, 1973; Weniger, 1989, eq. 7.3-5.
import { isFiniteComplex } from "./complex.ts";
import type { Complex } from "./complex.ts";

/** Orders of the transformation whose agreement tells the error; beyond, doubles lose what the order gains. */
const ORDERS = [9, 11, 13];
/** Relative error that is still an answer. */
const WORST_ERROR = 1e-7;

/** The sum of `term(k)` from `first` on; undefined where a term is not real or the orders do not agree. */
export function sumSeries(first: number, term: (k: Complex) => Complex): Complex | undefined {
  const terms: number[] = [];
  for (let k = 0; k <= ORDERS.at(-1)!; k++) {
    const value = term({ re: first + k, im: 0, err: 0 });
    if (!isFiniteComplex(value) || Math.abs(value.im) > value.err) return undefined;
    terms.push(value.re);
  }
  // A series whose terms vanish is finite: nothing to speed up.
  if (terms.some((value) => value === 0)) return undefined;
  const [low, middle, high] = ORDERS.map((order) => transform(terms, order)) as [number, number, number];
  const spread = Math.abs(high - middle) + 1e-3 * Math.abs(middle - low);
  const size = Math.abs(high);
  if (!Number.isFinite(high) || spread > WORST_ERROR * size) return undefined;
  return { re: high, im: 0, err: spread + 1e-12 * size };
}

function transform(terms: readonly number[], order: number): number {
  let sum = 0;
  let above = 0;
  let below = 0;
  let binomial = 1;
  for (let j = 0; j <= order; j++) {
    sum += terms[j]!;
    const weight = ((j % 2 === 0 ? 1 : -1) * binomial * ((j + 1) / (order + 1)) ** (order - 1)) / ((j + 1) * terms[j]!);
    above += weight * sum;
    below += weight;
    binomial = (binomial * (order - j)) / (j + 1);
  }
  return above / below;
}
