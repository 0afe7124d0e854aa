// What the steps kept, in verl's schema, and what they left out: files that appear whole or not at all.
import { rm } from "node:fs/promises";
import { atomicFile } from "@longcot/durable-files";
import { formatOf } from "../read-rows.ts";
import type { ProblemStore } from "./problem-store.ts";
import { sqlText } from "./sql-text.ts";

/**
 * Writes the problems of the view `written` to `path` in its order: `data_source`, `prompt`, `ability`, `reward_model` {style, ground_truth}, `extra_info`.
 * Where none is left, no file.
 * @returns how many.
 */
export async function writeKept(store: ProblemStore, path: string): Promise<number> {
  const count = Number((await store.connection.runAndReadAll("SELECT count(*) FROM written")).getRowsJS()[0]![0]);
  if (count === 0) {
    await rm(path, { force: true });
    return 0;
  }
  const structure = (
    await store.connection.runAndReadAll("SELECT json_group_structure(extra_info::JSON)::VARCHAR FROM kept WHERE extra_info IS NOT NULL")
  ).getRowsJS()[0]![0] as string | null;
  const extraInfo =
    structure === null || structure === "null"
      ? "{'index': row}"
      : `from_json(extra_info, ${sqlText(structure.replaceAll("UBIGINT", "BIGINT"))})`;
  const messages = sqlText('[{"role":"VARCHAR","content":"VARCHAR"}]');
  const query = `SELECT data_source, from_json(prompt, ${messages}) AS prompt, ability, {'style': 'rule', 'ground_truth': ground_truth} AS reward_model,
    ${extraInfo} AS extra_info FROM kept JOIN written USING (row) ORDER BY place`;
  await copyTo(store, query, path);
  return count;
}

/** Writes what the steps left out to `path`, with step, kind and detail, in the order of the rows. */
export async function writeDropped(store: ProblemStore, path: string): Promise<void> {
  await copyTo(
    store,
    `SELECT file, file_row, step, kind, detail, o.of_row AS repeats_row, data_source, coalesce(statement, prompt) AS statement, ground_truth
     FROM (SELECT position, row, kind, detail, of AS of_row FROM dropped) o JOIN steps USING (position) JOIN problems USING (row) ORDER BY row`,
    path,
  );
}

async function copyTo(store: ProblemStore, query: string, path: string): Promise<void> {
  const format = formatOf(path) === "parquet" ? "FORMAT parquet, COMPRESSION zstd" : "FORMAT json";
  await atomicFile(path, (aside) => store.connection.run(`COPY (${query}) TO ${sqlText(aside)} (${format})`));
}
