// Rows and problems of files in any format and layout that the pipeline reads, without a pipeline: for benchmarks, and whatever fits in memory.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { DuckDBInstance } from "@duckdb/node-api";
import { DataError } from "@longcot/errors";
import type { PromptRow } from "./prompt-row.ts";
import { checkPromptRow } from "./load-prompts.ts";
import { isRecord, RowFault } from "./row-fields.ts";
import type { Source } from "./store/import-files.ts";
import { mapRow, mappingOf, unknownLayout } from "./store/layouts.ts";
import { expandPaths, sourceRows } from "./store/source-files.ts";

/**
 * The rows of the file `path` as they are, in order. JSON lines are read one at a time, so that a row of many megabytes is held once.
 * @throws DataError for a file that is missing, empty, truncated or corrupt, or of an extension that is not read.
 */
export async function* readSourceRows(path: string): AsyncIterable<Readonly<Record<string, unknown>>> {
  await expandPaths([path]);
  if (path.endsWith(".jsonl")) {
    let number = 0;
    for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
      number++;
      if (line.trim() === "") continue;
      const row = parseLine(line);
      if (!isRecord(row)) throw new DataError({ who: `${path}:${number}`, expected: "a JSON object", received: line.slice(0, 60) });
      yield row;
    }
    return;
  }
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    const stream = async function* (sql: string): AsyncIterableIterator<unknown[][]> {
      yield* (await connection.stream(sql)).yieldRowsJs();
    };
    const counting = await instance.connect();
    for await (const rows of sourceRows(path, { connection: counting, stream })) yield* rows;
    counting.closeSync();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/**
 * The problems of `source`, in order, whatever its columns: by its mapping, or by the layout that its columns tell.
 * @throws DataError for a file that cannot be read or whose columns no layout has, and for the first row that is no problem.
 */
export async function readProblems(source: Source): Promise<PromptRow[]> {
  const problems: PromptRow[] = [];
  const defaults = { ability: source.ability ?? "math", ...(source.dataSource === undefined ? {} : { dataSource: source.dataSource }) };
  for (const path of await expandPaths(source.files)) {
    let mapping = source.mapping;
    let number = 0;
    for await (const row of readSourceRows(path)) {
      mapping ??= mappingOf(Object.keys(row)) ?? unknownLayout(path, Object.keys(row));
      const { dataSource, prompt, ability, groundTruth, extraInfo } = mapRow(row, mapping, defaults);
      const checked = {
        data_source: dataSource ?? defaults.dataSource,
        prompt,
        ability,
        reward_model: { ground_truth: typeof groundTruth === "number" ? String(groundTruth) : groundTruth },
        extra_info: isRecord(extraInfo) ? extraInfo : null,
      };
      try {
        problems.push({ promptId: String(problems.length), ...checkPromptRow(checked, "prompt", "data_source") });
      } catch (error) {
        if (!(error instanceof RowFault)) throw error;
        throw new DataError({ who: path, argument: `row ${number}, ${error.column}`, expected: error.expected, received: error.received });
      }
      number++;
    }
  }
  return problems;
}
