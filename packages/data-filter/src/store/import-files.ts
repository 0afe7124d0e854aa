// The first step: rows of the source files, mapped to verl's fields, into the store. Nothing is checked yet and nothing left out.
import { isRecord } from "../row-fields.ts";
import { createPacer, type Progress } from "../pacer.ts";
import { mapRow, mappingOf, unknownLayout, type ColumnMapping } from "./layouts.ts";
import { append, type ProblemStore } from "./problem-store.ts";
import { expandPaths, fingerprint, sourceRows } from "./source-files.ts";

/** Files of one layout. */
export interface Source {
  /** Paths or glob patterns. */
  readonly files: readonly string[];
  /** Columns of the fields; absent: told from the columns of the first row. */
  readonly mapping?: ColumnMapping;
  /** For rows whose file has no such column. */
  readonly dataSource?: string;
  /** For rows whose file has no such column. Default `math`. */
  readonly ability?: "math" | "code";
}

/** The name of this step in the store. */
export const IMPORT_STEP = "import";

/**
 * Reads every source into the store, unless the same files were read before.
 * @throws DataError for a file that is missing, empty, truncated or corrupt, or whose columns no layout has.
 */
export async function importSources(
  store: ProblemStore,
  sources: readonly Source[],
  { onProgress, signal }: { onProgress?: ((progress: Progress) => void) | undefined; signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const files: { path: string; source: Source }[] = [];
  for (const source of sources) for (const path of await expandPaths(source.files)) files.push({ path, source });
  const prints = await Promise.all(files.map(({ path }) => fingerprint(path)));
  const options = JSON.stringify({ prints, sources });
  if (await store.isDone(0, IMPORT_STEP, options)) return;
  await store.connection.run("DELETE FROM problems");
  const pacer = createPacer(onProgress, signal);
  let row = 0;
  for (const [done, { path, source }] of files.entries()) {
    row += await importFile(store, path, source, row, (rows) => pacer.tick(`reading ${path}`, done + (rows === 0 ? 1 : 0), files.length));
  }
  await store.record(0, IMPORT_STEP, options, { dropped: [], facts: { files: files.map(({ path }) => path) } });
}

async function importFile(
  store: ProblemStore,
  path: string,
  source: Source,
  firstRow: number,
  tick: (rows: number) => Promise<void>,
): Promise<number> {
  let mapping = source.mapping;
  let fileRow = 0;
  const defaults = { ability: source.ability ?? "math", ...(source.dataSource === undefined ? {} : { dataSource: source.dataSource }) };
  for await (const rows of sourceRows(path, store)) {
    mapping ??= mappingOf(Object.keys(rows[0]!)) ?? unknownLayout(path, Object.keys(rows[0]!));
    const known = mapping;
    await append(store.connection, "problems", rows, (row) => {
      const mapped = mapRow(row, known, defaults);
      return [
        firstRow + fileRow,
        path,
        fileRow++,
        textOrNull(mapped.dataSource),
        jsonOrNull(mapped.prompt),
        statementOf(mapped.prompt),
        textOrNull(mapped.ability),
        typeof mapped.groundTruth === "string" ? mapped.groundTruth : jsonOrNull(mapped.groundTruth),
        textOrNull(mapped.solution),
        jsonOrNull(mapped.extraInfo),
        mapped.lacksRewardModel === true,
      ];
    });
    await tick(fileRow);
  }
  await tick(0);
  return fileRow;
}

const textOrNull = (value: unknown): string | null =>
  value === undefined || value === null ? null : typeof value === "string" ? value : JSON.stringify(value);
const jsonOrNull = (value: unknown): string | null => (value === undefined || value === null ? null : JSON.stringify(value));

/** Content of the last message where it is text. */
function statementOf(prompt: unknown): string | null {
  const last: unknown = Array.isArray(prompt) ? prompt.at(-1) : undefined;
  return isRecord(last) && typeof last["content"] === "string" ? last["content"] : null;
}
