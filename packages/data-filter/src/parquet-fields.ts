// Parquet types of plain values: what a column of objects, lists, numbers and strings looks like in a parquet schema.
import { ConfigError } from "@longcot/errors";
import type { SchemaElement } from "hyparquet";
import { isRecord } from "./row-fields.ts";

/** The type of a column or of a field within it. */
export type FieldType =
  | { readonly kind: "string" | "int64" | "double" | "boolean" }
  | { readonly kind: "list"; readonly item: FieldType }
  | {
      readonly kind: "struct";
      readonly fields: readonly (readonly [name: string, type: FieldType])[];
    };

export const STRING: FieldType = { kind: "string" };

/** `list<struct<role, content>>`: a column of chat messages. */
export const MESSAGES: FieldType = {
  kind: "list",
  item: {
    kind: "struct",
    fields: [
      ["role", STRING],
      ["content", STRING],
    ],
  },
};

/**
 * The type that holds all `values`; absent and null ones fit any type, and are a string where nothing else says a type. Integers and
 * fractions together are doubles; the fields of a struct are those of all its objects.
 * @throws ConfigError when two values have no common type, or all are objects without a field, naming `path`.
 */
export function inferFieldType(values: readonly unknown[], path: string): FieldType {
  const present = values.filter((value) => value !== undefined && value !== null);
  if (present.every((value) => typeof value === "string")) return STRING;
  if (present.every((value) => typeof value === "boolean")) return { kind: "boolean" };
  if (present.every((value) => typeof value === "bigint" || Number.isSafeInteger(value))) return { kind: "int64" };
  if (present.every((value) => typeof value === "number")) return { kind: "double" };
  if (present.every((value) => Array.isArray(value))) return { kind: "list", item: inferFieldType(present.flat(), `${path}[]`) };
  if (present.every(isRecord)) {
    const names = [...new Set(present.flatMap((value) => Object.keys(value)))];
    if (names.length === 0)
      throw new ConfigError({
        who: "writing rows",
        argument: path,
        expected: "objects with at least one field",
        received: "empty ones",
        fix: "Leave the field out",
      });
    return {
      kind: "struct",
      fields: names.map(
        (name) =>
          [
            name,
            inferFieldType(
              present.map((value) => value[name]),
              `${path}.${name}`,
            ),
          ] as const,
      ),
    };
  }
  const kinds = [
    ...new Set(present.map((value) => (isRecord(value) ? "object" : typeof value === "object" ? value!.constructor.name : typeof value))),
  ];
  throw new ConfigError({
    who: "writing rows",
    argument: path,
    expected: "strings, booleans, numbers, lists or plain objects, of one type in all rows",
    received: kinds.join(" and "),
  });
}

/** Schema elements of one column in parquet's depth-first order; all fields optional, lists of three levels, as pyarrow writes. */
export function schemaElements(name: string, type: FieldType): SchemaElement[] {
  const optional = { name, repetition_type: "OPTIONAL" } as const;
  switch (type.kind) {
    case "string":
      return [
        {
          ...optional,
          type: "BYTE_ARRAY",
          converted_type: "UTF8",
          logical_type: { type: "STRING" },
        },
      ];
    case "int64":
      return [{ ...optional, type: "INT64" }];
    case "double":
      return [{ ...optional, type: "DOUBLE" }];
    case "boolean":
      return [{ ...optional, type: "BOOLEAN" }];
    case "list":
      return [
        { ...optional, converted_type: "LIST", logical_type: { type: "LIST" }, num_children: 1 },
        { name: "list", repetition_type: "REPEATED", num_children: 1 },
        ...schemaElements("element", type.item),
      ];
    case "struct":
      return [
        { ...optional, num_children: type.fields.length },
        ...type.fields.flatMap(([field, fieldType]) => schemaElements(field, fieldType)),
      ];
  }
}

/** `value` as the writer wants it for `type`: 64-bit integers as bigints, every struct field present, absent as null. */
export function toParquetValue(value: unknown, type: FieldType): unknown {
  if (value === undefined || value === null) return null;
  switch (type.kind) {
    case "int64":
      return BigInt(value as number | bigint);
    case "list":
      return (value as unknown[]).map((item) => toParquetValue(item, type.item));
    case "struct":
      return Object.fromEntries(
        type.fields.map(([name, field]) => [name, toParquetValue((value as Record<string, unknown>)[name], field)]),
      );
    case "string":
    case "double":
    case "boolean":
      return value;
  }
}
