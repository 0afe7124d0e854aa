// Reading a JSON object from a file, with one clear line when it is missing or malformed.
import { readFile } from "node:fs/promises";
import { DataError } from "@longcot/errors";

/** A parsed JSON object whose fields have not been looked at yet. */
export type JsonObject = Record<string, unknown>;

/** Whether `value` is a plain JSON object (not null, not an array). */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What `value`, parsed from JSON, is, in few words, for error messages: its JSON text, cut to 60 characters. */
export function describeValue(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** The text of the file at `path`, or `undefined` where there is no such file. Other failures are thrown as they come. */
export async function readTextIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * Parses `text`, the content of `path`, as a JSON object.
 * @throws DataError where it is not JSON or not an object.
 */
export function parseJsonObject(text: string, path: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new DataError({
      who: path,
      expected: "JSON text",
      received: (cause as Error).message,
      cause,
    });
  }
  if (!isJsonObject(value)) throw new DataError({ who: path, expected: "a JSON object", received: describeValue(value) });
  return value;
}

/** The JSON object in the file at `path`, or `undefined` where there is no such file. @throws DataError where it is malformed. */
export async function readJsonIfPresent(path: string): Promise<JsonObject | undefined> {
  const text = await readTextIfPresent(path);
  return text === undefined ? undefined : parseJsonObject(text, path);
}

/** The JSON object in the file at `path`. @throws DataError where the file is missing or malformed. */
export async function readJsonFile(path: string): Promise<JsonObject> {
  const object = await readJsonIfPresent(path);
  if (object === undefined) throw new DataError({ who: path, expected: "a JSON file", received: "no such file" });
  return object;
}
