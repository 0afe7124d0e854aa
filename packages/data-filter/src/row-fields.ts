// Checks of one raw row's fields. Each returns the value or throws a RowFault that says which column, what was expected, what came.
import type { Message } from "./prompt-row.ts";

/** A fault of one row. The reader adds file and row number. */
export class RowFault extends Error {
  readonly column: string;
  readonly expected: string;
  readonly received: string;

  constructor(column: string, expected: string, received: string) {
    super(`${column} must be ${expected}, got ${received}`);
    this.column = column;
    this.expected = expected;
    this.received = received;
  }
}

/** A row as read: column name to value, 64-bit integers as numbers where exact. */
export type RawRow = Readonly<Record<string, unknown>>;

/** What a file holds. `columns` are the names it declares, or undefined for a format where rows differ (JSONL). */
export interface RawFile {
  readonly rows: readonly RawRow[];
  readonly columns: readonly string[] | undefined;
}

const ROLES = ["system", "user", "assistant"] as const;
/** Longest piece of a value that an error quotes, in characters. */
const QUOTED_CHARS = 60;

/** `value` in a few words, for error messages. */
export function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : `a list of ${value.length}`;
  if (typeof value === "string")
    return value.trim() === ""
      ? "a blank string"
      : JSON.stringify(value.length > QUOTED_CHARS ? `${value.slice(0, QUOTED_CHARS)}…` : value);
  if (isRecord(value)) return `an object with ${Object.keys(value).join(", ") || "no fields"}`;
  if (typeof value === "number" || typeof value === "bigint") return `the number ${value}`;
  return typeof value === "object" && value !== null ? `a ${value.constructor.name}` : `${value as null | boolean}`;
}

export function checkText(value: unknown, column: string): string {
  if (typeof value === "string" && value.trim() !== "") return value;
  throw new RowFault(column, "a non-blank string", describe(value));
}

/** Messages whose last one is of role `last`; `least` says how many there must be. */
export function checkMessages(value: unknown, column: string, last: "user" | "assistant", least: number): Message[] {
  if (!Array.isArray(value) || value.length < least)
    throw new RowFault(column, `a list of ${least} or more {role, content} messages`, describe(value));
  const messages = value.map((message: unknown, i): Message => {
    const at = `${column}[${i}]`;
    if (!isRecord(message)) throw new RowFault(at, "{role, content}", describe(message));
    const role = ROLES.find((known) => known === message["role"]);
    if (role === undefined) throw new RowFault(`${at}.role`, ROLES.join(", "), describe(message["role"]));
    return { role, content: checkText(message["content"], `${at}.content`) };
  });
  const lastRole = messages.at(-1)!.role;
  if (lastRole !== last) throw new RowFault(`${column}[${messages.length - 1}].role`, `${last}, as the last message`, lastRole);
  return messages;
}

/** Column `extra_info`: an object, or absent or null, which is the empty object. */
export function checkExtraInfo(value: unknown): Readonly<Record<string, unknown>> {
  if (value === undefined || value === null) return {};
  if (isRecord(value)) return value;
  throw new RowFault("extra_info", "an object", describe(value));
}

/** `extra_info.level` when it is a number. */
export function levelOf(extraInfo: Readonly<Record<string, unknown>>): { level?: number } {
  const level = extraInfo["level"];
  return typeof level === "number" && Number.isFinite(level) ? { level } : {};
}

/** Whether `value` is a plain object: no array, no Date, no bytes. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
