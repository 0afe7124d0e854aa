// JSON whose integers keep all their digits.

/** A JSON value; integers beyond 2^53 are bigints. */
export type Json = null | boolean | number | bigint | string | Json[] | { [key: string]: Json };

/** As JSON.parse, but large integers come out as bigints. @throws SyntaxError */
export function parseExactJson(text: string): Json {
  const plain = JSON.parse(text) as Json;
  // The second pass costs several times the first: only where there is a long run of digits.
  return /\d{16}/.test(text) ? (JSON.parse(text, exactNumber as (key: string, value: unknown) => unknown) as Json) : plain;
}

function exactNumber(_key: string, value: unknown, context: { source?: string }): unknown {
  const isLarge = typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(context.source ?? "");
  return isLarge ? BigInt(context.source!) : value;
}
