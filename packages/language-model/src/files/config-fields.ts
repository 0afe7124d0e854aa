// Reading config.json field by field: each value checked, each refusal naming file, architecture and field.
import { ConfigError } from "@longcot/errors";
import { describeValue, type JsonObject } from "./json-file.ts";

/** Checked access to the fields of one object. */
export interface FieldReader {
  /** A positive integer, required. */
  size(key: string): number;
  /** A positive number; `fallback` where absent, required without one. */
  positive(key: string, fallback?: number): number;
  flag(key: string, fallback: boolean): boolean;
  refuse(key: string, expected: string, value?: unknown): never;
  /** A reader of the object that `key` holds. */
  within(key: string): FieldReader;
}

/** A reader of `json`; `who` is the file and architecture, for messages. @throws ConfigError from its methods. */
export function fieldReader(json: JsonObject, who: string): FieldReader {
  const refuse = (key: string, expected: string, value: unknown = json[key]): never => {
    throw new ConfigError({ who, argument: key, expected, received: describeValue(value) });
  };
  return {
    refuse,
    within: (key) => fieldReader(json[key] as JsonObject, `${who}: ${key}`),
    size(key) {
      const value = json[key];
      return Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : refuse(key, "a positive integer");
    },
    positive(key, fallback) {
      const value = json[key] ?? fallback;
      return typeof value === "number" && value > 0 && Number.isFinite(value) ? value : refuse(key, "a positive number");
    },
    flag(key, fallback) {
      const value = json[key] ?? fallback;
      return typeof value === "boolean" ? value : refuse(key, "true or false");
    },
  };
}
