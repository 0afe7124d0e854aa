// Reads JSONL for the commands: every line is checked before any work begins, and an error names file, line and key.
import { createReadStream } from "node:fs";
import { DataError } from "@longcot/errors";
import type { z } from "zod";

/** A checked line and where it stands. */
export interface InputRow<Row> {
  /** From 1. */
  line: number;
  row: Row;
}

/**
 * All rows of the file, in its order; blank lines are left out.
 * @param schema its messages say what is expected at a key.
 * @throws DataError for the first line that is not JSON, not UTF-8 or not as the schema says, and where there is no row.
 */
export async function readRows<Row>(path: string, schema: z.ZodType<Row>): Promise<InputRow<Row>[]> {
  const rows: InputRow<Row>[] = [];
  let line = 0;
  for await (const text of linesOf(path)) {
    line++;
    if (text.trim() !== "") rows.push({ line, row: parseRow(text, schema, `${path} line ${line}`) });
  }
  if (rows.length === 0) throw new DataError({ who: path, expected: "at least one line of JSON", received: "none" });
  return rows;
}

/** An error about one row. */
export function rowError(
  path: string,
  line: number,
  fields: { argument: string; expected: string; received: string; fix?: string },
): DataError {
  return new DataError({ who: `${path} line ${line}`, ...fields });
}

function parseRow<Row>(text: string, schema: z.ZodType<Row>, who: string): Row {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new DataError({ who, expected: "one JSON object", received: (cause as Error).message, cause });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0]!;
  throw new DataError({
    who,
    argument:
      path.length === 0
        ? "the row"
        : path.reduce<string>(
            (name, part) => name + (typeof part === "number" ? `[${part}]` : `${name === "" ? "" : "."}${String(part)}`),
            "",
          ),
    expected: message,
    received: shown(path.reduce<unknown>((inner, part) => (inner as Record<PropertyKey, unknown> | undefined)?.[part], value)),
  });
}

function shown(value: unknown): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** Lines end with a line feed alone: JSON strings may hold the other separators that readline splits at. */
async function* linesOf(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const decode = (bytes?: Uint8Array): string => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    } catch (cause) {
      throw new DataError({ who: path, expected: "UTF-8", received: "bytes that are not", cause });
    }
  };
  let pending = "";
  for await (const chunk of createReadStream(path) as AsyncIterable<Uint8Array>) {
    const lines = decode(chunk).split("\n");
    lines[0] = pending + lines[0]!;
    pending = lines.pop()!;
    yield* lines;
  }
  pending += decode();
  if (pending !== "") yield pending;
}
