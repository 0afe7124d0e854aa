import type { Scope } from "./numeric.ts";
import type { Expression } from "../syntax/expression.ts";
export function preciselyEqual(_a: Expression, _b: Expression, _scope: Scope): boolean | undefined {
  return undefined;
}
