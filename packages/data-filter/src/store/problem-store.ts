// Problems in an embedded SQL database on disk: larger than memory, and what each step decided is there after an interruption.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import { DataError } from "@longcot/errors";

/** A problem as a step sees it: what was mapped from its file, and what earlier steps mended. */
export interface StoredProblem {
  /** Over all files, from 0. */
  readonly row: number;
  readonly file: string;
  /** Row in its file, from 0. */
  readonly fileRow: number;
  readonly dataSource: string | null;
  /** Messages as JSON text. */
  readonly prompt: string | null;
  /** Content of the last message. */
  readonly statement: string | null;
  readonly ability: string | null;
  readonly groundTruth: string | null;
  readonly solution: string | null;
  /** JSON text. */
  readonly extraInfo: string | null;
  /** The file's reward model is null. */
  readonly lacksRewardModel: boolean;
}

export const COLUMNS = {
  row: "row",
  file: "file",
  fileRow: "file_row",
  dataSource: "data_source",
  prompt: "prompt",
  statement: "statement",
  ability: "ability",
  groundTruth: "ground_truth",
  solution: "solution",
  extraInfo: "extra_info",
  lacksRewardModel: "lacks_reward_model",
} as const satisfies Record<keyof StoredProblem, string>;

/** A problem that a step takes out. */
export interface Drop {
  readonly row: number;
  /** A short name of the reason, such as `near-duplicate`. */
  readonly kind: string;
  /** What was found, for a reader. */
  readonly detail: string;
  /** The row that it repeats. */
  readonly of?: number;
}

/** A change to a problem that stays. */
export interface Repair {
  readonly row: number;
  readonly kind: string;
  readonly detail: string;
  readonly groundTruth?: string;
  /** Merged into `extra_info` (JSON merge patch). */
  readonly extraInfo?: Readonly<Record<string, unknown>>;
}

/** What a step decided. */
export interface StepResult {
  readonly dropped: readonly Drop[];
  readonly repaired?: readonly Repair[];
  /** Facts for the report. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** How many problems went into a step and why some did not come out. */
export interface StepCounts {
  readonly step: string;
  readonly rowsIn: number;
  readonly dropped: Readonly<Record<string, number>>;
  readonly repaired: Readonly<Record<string, number>>;
  readonly facts: Readonly<Record<string, unknown>>;
}

export interface ProblemStore {
  readonly connection: DuckDBConnection;
  /** Rows of a query, some at a time, on a connection of its own: a statement on the same one would end them early. */
  stream(sql: string): AsyncIterableIterator<unknown[][]>;
  /** Problems that no step dropped. */
  count(): Promise<number>;
  /** They, in order, a few thousand at a time, with the columns asked for. */
  problems<Column extends keyof StoredProblem>(columns: readonly Column[]): AsyncIterableIterator<Pick<StoredProblem, Column>[]>;
  /** Whether step `position` was done with these options; else forgets it and every later one. */
  isDone(position: number, step: string, options: string): Promise<boolean>;
  /** Notes what a step decided, all of it or nothing. */
  record(position: number, step: string, options: string, result: StepResult): Promise<void>;
  stepCounts(): Promise<StepCounts[]>;
  close(): void;
}

const TABLES = `
CREATE TABLE IF NOT EXISTS problems(row INTEGER, file VARCHAR, file_row INTEGER, data_source VARCHAR, prompt VARCHAR, statement VARCHAR, ability VARCHAR,
  ground_truth VARCHAR, solution VARCHAR, extra_info VARCHAR, lacks_reward_model BOOLEAN);
CREATE TABLE IF NOT EXISTS steps(position INTEGER, step VARCHAR, options VARCHAR, rows_in INTEGER, facts VARCHAR);
CREATE TABLE IF NOT EXISTS dropped(position INTEGER, row INTEGER, kind VARCHAR, detail VARCHAR, of INTEGER);
CREATE TABLE IF NOT EXISTS repaired(position INTEGER, row INTEGER, kind VARCHAR, detail VARCHAR, ground_truth VARCHAR, extra_info VARCHAR)`;

/** Kept problems with their repairs: the newest ground truth, and all patches of extra_info merged in order. */
const KEPT = `
SELECT p.* REPLACE (coalesce(r.ground_truth, p.ground_truth) AS ground_truth,
                    CASE WHEN r.patch IS NULL THEN p.extra_info ELSE json_merge_patch(coalesce(p.extra_info, '{}'), r.patch)::VARCHAR END AS extra_info)
FROM problems p
LEFT JOIN (SELECT row, last(ground_truth ORDER BY position) FILTER (ground_truth IS NOT NULL) AS ground_truth,
                  list_reduce(list(extra_info ORDER BY position) FILTER (extra_info IS NOT NULL), lambda a, b: json_merge_patch(a, b)::VARCHAR) AS patch
           FROM repaired GROUP BY row) r USING (row)
WHERE p.row NOT IN (SELECT row FROM dropped)`;

/**
 * Opens the database in `folder`, new or as an earlier run left it.
 * @throws DataError where the file is no database of this kind or another process has it open.
 */
export async function openProblemStore(folder: string): Promise<ProblemStore> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, "problems.duckdb");
  const instance = await openDatabase(path);
  const connection = await instance.connect();
  await connection.run(`${TABLES}; CREATE OR REPLACE VIEW kept AS ${KEPT}`);
  const scalar = async (query: string): Promise<number> => Number((await connection.runAndReadAll(query)).getRowsJS()[0]![0]);
  const count = () => scalar("SELECT count(*) FROM problems WHERE row NOT IN (SELECT row FROM dropped)");
  async function* stream(sql: string): AsyncIterableIterator<unknown[][]> {
    const own = await instance.connect();
    try {
      yield* (await own.stream(sql)).yieldRowsJs();
    } finally {
      own.closeSync();
    }
  }
  return {
    connection,
    count,
    stream,
    async *problems(columns) {
      const list = columns.map((column) => COLUMNS[column]).join(", ");
      for await (const rows of stream(`SELECT ${list} FROM kept ORDER BY row`)) {
        yield rows.map(
          (row) => Object.fromEntries(columns.map((column, i) => [column, row[i]])) as Pick<StoredProblem, (typeof columns)[number]>,
        );
      }
    },
    async isDone(position, step, options) {
      const found = await connection.runAndReadAll("SELECT 1 FROM steps WHERE position = ? AND step = ? AND options = ?", [
        position,
        step,
        options,
      ]);
      if (found.currentRowCount > 0) return true;
      for (const table of ["steps", "dropped", "repaired"]) await connection.run(`DELETE FROM ${table} WHERE position >= ?`, [position]);
      return false;
    },
    async record(position, step, options, { dropped, repaired = [], facts = {} }) {
      const rowsIn = await count();
      await connection.run("BEGIN");
      try {
        await append(connection, "dropped", dropped, ({ row, kind, detail, of }) => [position, row, kind, detail, of ?? null]);
        await append(connection, "repaired", repaired, ({ row, kind, detail, groundTruth, extraInfo }) => [
          position,
          row,
          kind,
          detail,
          groundTruth ?? null,
          extraInfo === undefined ? null : JSON.stringify(extraInfo),
        ]);
        await connection.run("INSERT INTO steps VALUES (?, ?, ?, ?, ?)", [position, step, options, rowsIn, JSON.stringify(facts)]);
        await connection.run("COMMIT");
      } catch (error) {
        await connection.run("ROLLBACK");
        throw error;
      }
    },
    async stepCounts() {
      const steps = (await connection.runAndReadAll("SELECT position, step, rows_in, facts FROM steps ORDER BY position")).getRowsJS();
      const byKind = async (table: string): Promise<Map<number, Record<string, number>>> => {
        const rows = await connection.runAndReadAll(
          `SELECT position, kind, count(*)::INTEGER FROM ${table} GROUP BY ALL ORDER BY position, kind`,
        );
        const counts = new Map<number, Record<string, number>>();
        for (const [position, kind, count] of rows.getRowsJS() as [number, string, number][])
          counts.set(position, { ...counts.get(position), [kind]: count });
        return counts;
      };
      const [dropped, repaired] = [await byKind("dropped"), await byKind("repaired")];
      return (steps as [number, string, number, string][]).map(([position, step, rowsIn, facts]) => ({
        step,
        rowsIn,
        dropped: dropped.get(position) ?? {},
        repaired: repaired.get(position) ?? {},
        facts: JSON.parse(facts) as Record<string, unknown>,
      }));
    },
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

async function openDatabase(path: string): Promise<DuckDBInstance> {
  try {
    return await DuckDBInstance.create(path);
  } catch (cause) {
    throw new DataError({
      who: path,
      expected: "a database that no other process has open",
      received: (cause as Error).message.split("\n")[0]!,
      fix: "End the other run, or remove the file to start anew",
      cause,
    });
  }
}

/** Cell values that the tables of this file hold. */
type Cell = string | number | boolean | null;

/** Appends `values` to `table`, one row each. */
export async function append<Value>(
  connection: DuckDBConnection,
  table: string,
  values: Iterable<Value>,
  cells: (value: Value) => readonly Cell[],
): Promise<void> {
  const appender = await connection.createAppender(table);
  try {
    for (const value of values) {
      for (const cell of cells(value)) {
        if (cell === null) appender.appendNull();
        else if (typeof cell === "string") appender.appendVarchar(cell);
        else if (typeof cell === "boolean") appender.appendBoolean(cell);
        else appender.appendInteger(cell);
      }
      appender.endRow();
    }
  } finally {
    appender.closeSync();
  }
}
