// The one error type of longcot and the checks that raise it. No dependencies: every package may import it.
export { ConfigError, DataError, isLongcotError, LongcotError, NumericError, ShapeError } from "./longcot-error.ts";
export type { LongcotErrorFields } from "./longcot-error.ts";
