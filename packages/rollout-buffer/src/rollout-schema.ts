// The column table as an Arrow schema: no column nullable, list children neither, units and meanings in the field metadata.
import { Dictionary, Field, Float32, Int32, List, Schema, Uint8, Utf8, type DataType } from "apache-arrow";
import { ROLLOUT_COLUMNS, type RolloutColumn } from "./column-table.ts";

/** Arrow type of one element, or of the whole column when it has one element a row. Dictionary ids are the table's positions: equal steps, equal bytes. */
function elementType(column: RolloutColumn): DataType {
  switch (column.dtype) {
    case "int32":
      return new Int32();
    case "float32":
      return new Float32();
    case "uint8":
      return new Uint8();
    case "utf8":
      return new Dictionary(
        new Utf8(),
        new Int32(),
        ROLLOUT_COLUMNS.findIndex((other) => other.name === column.name),
      );
  }
}

/** Arrow field of `column`; metadata keys `unit`, `meaning`, `absent`, `shares_length`. */
export function arrowField(column: RolloutColumn): Field {
  const element = elementType(column);
  const type = column.kind === "per-token" ? new List(new Field("item", element, false)) : element;
  const metadata = new Map([
    ["unit", column.unit],
    ["meaning", column.meaning],
    ["absent", column.absent],
    ["shares_length", column.sharesLength],
  ]);
  return new Field(column.name, type, false, metadata);
}

/** Schema of a step with these columns. */
export function arrowSchema(columns: Iterable<RolloutColumn>, metadata?: Map<string, string>): Schema {
  return new Schema([...columns].map(arrowField), metadata);
}

/** The schema with every column, optional ones included, and no metadata of a step. */
export const ROLLOUT_SCHEMA: Schema = arrowSchema(ROLLOUT_COLUMNS);
