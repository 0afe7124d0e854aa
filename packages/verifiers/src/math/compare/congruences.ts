// x ≡ 3 (mod 5): the same as x ≡ 8 (mod 5).
import { evaluateExactly } from "../evaluate/exact.ts";
import { isWhole } from "../rational.ts";
import type { Expression, ExpressionOf } from "../syntax/expression.ts";
import type { Comparison } from "./comparison.ts";

/** Whether two statements `[a, residue, modulus]` say the same: residues may differ by a multiple of the modulus. */
export function congruencesEqual(a: ExpressionOf<"apply">, b: ExpressionOf<"apply">, c: Comparison): boolean {
  const [left, right] = [a.args, b.args] as [readonly Expression[], readonly Expression[]];
  if (!c.equal(left[0]!, right[0]!) || !c.equal(left[2]!, right[2]!)) return false;
  if (c.equal(left[1]!, right[1]!)) return true;
  const [x, y, modulus] = [left[1]!, right[1]!, left[2]!].map((part) => evaluateExactly(part, c.budget));
  if (x === undefined || y === undefined || modulus === undefined) return false;
  if (![x, y, modulus].every(isWhole) || modulus.numerator === 0n) return false;
  return (x.numerator - y.numerator) % modulus.numerator === 0n;
}
