// A function's return value against the expected JSON value, as Python's == has it, tuples for lists and decimals within a tolerance.
import { parseExactJson, type Json } from "./exact-json.ts";

/** Nodes of an answer beyond these, times those of what is expected, cannot be right and are not even read. */
const MAX_EXCESS = 24;
const SPARE_CHARS = 1 << 20;

/** Whether a reply `encoded` by box/longcot_values.py is one of `accepted`. Anything malformed is not. */
export function sameValue(accepted: readonly Json[], encoded: string, floatTolerance: number): boolean {
  const longest = Math.max(
    ...accepted.map((value) => JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? String(part) : part)).length),
  );
  if (encoded.length > SPARE_CHARS + MAX_EXCESS * longest) return false;
  try {
    const document = JSON.parse(encoded) as { root: Json };
    return accepted.some((value) => same(value, document.root, floatTolerance));
  } catch {
    // No JSON, or nested too deeply to be walked.
    return false;
  }
}

function same(expected: Json, actual: Json, tolerance: number): boolean {
  const list = asList(actual);
  if (Array.isArray(expected))
    return list !== undefined && list.length === expected.length && expected.every((part, i) => same(part, list[i]!, tolerance));
  if (list !== undefined) return false;
  if (typeof expected === "number" || typeof expected === "bigint" || typeof expected === "boolean") {
    const left = typeof expected === "boolean" ? Number(expected) : expected;
    const right = asNumber(actual);
    return right !== undefined && sameNumbers(left, right, tolerance);
  }
  if (typeof expected === "object" && expected !== null) return sameDictionary(expected, actual, tolerance);
  return expected === actual;
}

function asList(actual: Json): Json[] | undefined {
  if (Array.isArray(actual)) return actual;
  const tuple = content(actual, "t");
  return Array.isArray(tuple) ? tuple : undefined;
}

/** An int (also a bool, which equals 0 or 1) as bigint or safe integer, a float as {float}. */
function asNumber(actual: Json): number | bigint | { float: number } | undefined {
  if (typeof actual === "boolean") return Number(actual);
  if (typeof actual === "number") return actual;
  const float = content(actual, "f");
  if (typeof float === "string") return { float: Number(float.replace("inf", "Infinity")) };
  const integer = content(actual, "i");
  if (typeof integer !== "string") return undefined;
  return integer.startsWith("-") ? -BigInt(integer.slice(1)) : BigInt(integer);
}

function sameNumbers(expected: number | bigint, actual: number | bigint | { float: number }, tolerance: number): boolean {
  if (typeof actual !== "object") {
    // oxlint-disable-next-line eqeqeq -- A bigint and a number of the same value.
    if (expected == actual) return true;
    if (Number.isInteger(expected) || typeof expected === "bigint") return false;
  }
  const [left, right] = [Number(expected), typeof actual === "object" ? actual.float : Number(actual)];
  const scale = Number.isInteger(left) ? 1 : Math.max(1, Math.abs(left));
  return left === right || Math.abs(left - right) <= tolerance * scale;
}

function sameDictionary(expected: { [key: string]: Json }, actual: Json, tolerance: number): boolean {
  const pairs = content(actual, "d");
  if (!Array.isArray(pairs) || pairs.length !== Object.keys(expected).length) return false;
  return (pairs as [Json, Json][]).every(([key, value]) => {
    // JSON has no other keys than texts.
    const name = typeof key === "string" ? key : typeof key === "number" ? String(key) : undefined;
    return name !== undefined && Object.hasOwn(expected, name) && same(expected[name]!, value, tolerance);
  });
}

function content(value: Json, kind: string): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.hasOwn(value, kind) ? value[kind] : undefined;
}

/** JSON text of call arguments in the encoding of box/longcot_values.py: ([…], {}). */
export function encodeArguments(values: readonly Json[]): string {
  return JSON.stringify({ root: { t: [values.map(encode), { d: [] }] } });
}

function encode(value: Json): Json {
  if (typeof value === "bigint") return { i: value < 0n ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}` };
  if (typeof value === "number") return Number.isSafeInteger(value) ? value : { f: String(value) };
  if (Array.isArray(value)) return value.map(encode);
  if (typeof value === "object" && value !== null) return { d: Object.entries(value).map(([key, part]) => [key, encode(part)]) };
  return value;
}

/** A returned value as plain JSON text, for a checker. */
export function plainText(encoded: string): string {
  const plain = (value: Json): Json => {
    const list = asList(value);
    if (list !== undefined) return list.map(plain);
    const number = asNumber(value);
    if (typeof value !== "boolean" && number !== undefined) return typeof number === "object" ? number.float : number;
    const pairs = content(value, "d");
    if (Array.isArray(pairs))
      return Object.fromEntries(
        (pairs as [Json, Json][]).map(([key, part]) => [typeof key === "string" ? key : JSON.stringify(key), plain(part)]),
      );
    return value;
  };
  return JSON.stringify(plain((parseExactJson(encoded) as { root: Json }).root), (_, part: unknown) =>
    typeof part === "bigint" ? Number(part) : part,
  );
}
