// Between columns in memory and an Arrow record batch, both ways without a copy of the numbers.
import { DataError } from "@longcot/errors";
import {
  makeData,
  RecordBatch,
  Struct,
  Utf8,
  vectorFromArray,
  type Data,
  type DataType,
  type Dictionary,
  type Field,
  type List,
  type Vector,
} from "apache-arrow";
import { viewColumnValues, type ColumnStorage, type ColumnStorages, type ColumnValues } from "./column-storage.ts";
import { findColumn, ROLLOUT_COLUMNS, type RolloutColumn } from "./column-table.ts";
import { arrowField, arrowSchema } from "./rollout-schema.ts";

/** Arrow batch whose buffers are the columns' own arrays, trimmed to `rows`. Aliasing: writing a column shows in the batch. */
export function viewAsRecordBatch(storages: ColumnStorages, rows: number, metadata: Map<string, string>): RecordBatch {
  const schema = arrowSchema(
    [...storages.values()].map((storage) => storage.column),
    metadata,
  );
  const children = [...storages.values()].map((storage, i) => columnData(schema.fields[i]!, storage, rows));
  return new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length: rows, nullCount: 0, children }));
}

function columnData(field: Field, { column, values, offsets, categories }: ColumnStorage, rows: number): Data {
  switch (column.kind) {
    case "per-row":
      return flatData(field.type, values, rows);
    case "category":
      return makeData({
        type: field.type as Dictionary,
        length: rows,
        nullCount: 0,
        data: values.subarray(0, rows) as Int32Array,
        dictionary: vectorFromArray(categories!, new Utf8()) as Vector,
      });
    case "per-token": {
      const type = field.type as List;
      return makeData({
        type,
        length: rows,
        nullCount: 0,
        valueOffsets: offsets!.subarray(0, rows + 1),
        child: flatData(type.valueType, values, offsets![rows]!),
      });
    }
  }
}

/** makeData reads whatever bytes it is given; the column's constructor was chosen from the same dtype as `type`. */
function flatData(type: DataType, values: ColumnValues, length: number): Data {
  return makeData({ type, length, nullCount: 0, data: values.subarray(0, length) } as Parameters<typeof makeData>[0]);
}

/**
 * The columns of `batch`, as views of its buffers; those of `required` must be there.
 *
 * @throws DataError for an unknown or missing column, another dtype, a nullable field or a null, or lengths that disagree.
 */
export function viewRecordBatchColumns(who: string, path: string, batch: RecordBatch, required: readonly string[]): ColumnStorages {
  const refuse = (name: string, expected: string, received: string): DataError =>
    new DataError({ who, argument: `column ${name} of ${path}`, expected, received });
  const storages = new Map<string, ColumnStorage>();
  batch.schema.fields.forEach((field, i) => {
    const column = findColumn(field.name);
    if (column === undefined) throw refuse(field.name, "one of the rollout schema", "an unknown column");
    if (storages.has(field.name)) throw refuse(field.name, "there once", "the same name twice");
    const wanted = arrowField(column);
    if (describeType(field) !== describeType(wanted)) throw refuse(field.name, describeType(wanted), describeType(field));
    const data = batch.data.children[i]!;
    const child = column.kind === "per-token" ? data.children[0]! : data;
    const nulls = Math.max(data.nullCount, child.nullCount);
    if (nulls > 0) throw refuse(field.name, "without nulls", `${nulls} nulls`);
    if (data.length !== batch.numRows) throw refuse(field.name, `${batch.numRows} rows long`, `${data.length}`);
    storages.set(
      field.name,
      viewStorage(column, data, child, batch.numRows, (expected, received) => refuse(field.name, expected, received)),
    );
  });
  for (const name of required) if (!storages.has(name)) throw refuse(name, "there", "a file without it");
  checkSharedLengths(storages, refuse);
  return new Map(ROLLOUT_COLUMNS.flatMap(({ name }) => (storages.has(name) ? [[name, storages.get(name)!] as const] : [])));
}

function viewStorage(
  column: RolloutColumn,
  data: Data,
  child: Data,
  rows: number,
  refuse: (expected: string, received: string) => DataError,
): ColumnStorage {
  const raw = child.values as ColumnValues;
  const offsets = column.kind === "per-token" ? (data.valueOffsets as Int32Array).subarray(0, rows + 1) : undefined;
  const length = offsets === undefined ? rows : child.length;
  if (raw.length < length) throw refuse(`${length} elements long`, `${raw.length}`);
  const values = viewColumnValues(column, raw.buffer, raw.byteOffset, length);
  if (offsets !== undefined) {
    if (offsets.length !== rows + 1 || offsets[0] !== 0 || offsets[rows] !== length)
      throw refuse(`cut by offsets from 0 to ${length}`, `offsets from ${offsets[0]} to ${offsets[rows]}`);
    for (let row = 0; row < rows; row++)
      if (offsets[row + 1]! < offsets[row]!) throw refuse("cut by offsets that never fall", `${offsets[row + 1]} after ${offsets[row]}`);
    return { column, values, offsets };
  }
  if (column.kind !== "category") return { column, values };
  const categories = [...(data.dictionary as Vector<Utf8>)] as string[];
  for (const code of values) if (code < 0 || code >= categories.length) throw refuse(`indices below ${categories.length}`, String(code));
  return { column, values, categories };
}

function checkSharedLengths(storages: ColumnStorages, refuse: (name: string, expected: string, received: string) => DataError): void {
  const response = storages.get("response_tokens")!.offsets!;
  for (const { column, offsets } of storages.values()) {
    if (column.sharesLength !== "response") continue;
    const row = response.findIndex((offset, i) => offsets![i] !== offset) - 1;
    if (row >= 0)
      throw refuse(
        column.name,
        `as long as response_tokens (${response[row + 1]! - response[row]!} in row ${row})`,
        `${offsets![row + 1]! - offsets![row]!}`,
      );
  }
}

/** Type and nullability in words, the same for the same storage. */
function describeType(field: Field): string {
  const children = (field.type.children as Field[] | null | undefined)?.map(describeType).join(", ");
  return `${field.type}${field.nullable ? " nullable" : ""}${children ? ` of ${children}` : ""}`;
}
