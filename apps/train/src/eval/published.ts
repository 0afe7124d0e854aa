// Published results beside ours, from a data file that says where each figure is from.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export interface PublishedRow {
  model: string;
  source: string;
  /** avg@k in per cent by benchmark; null where none is published. */
  scores: Record<string, number | null>;
}

const FILE = fileURLToPath(new URL("../../benchmarks/published.json", import.meta.url));

/** Published rows with a figure for one of `benchmarks`. */
export function publishedTable(benchmarks: readonly string[]): PublishedRow[] {
  const { rows } = JSON.parse(readFileSync(FILE, "utf8")) as { rows: PublishedRow[] };
  return rows
    .filter(({ scores }) => benchmarks.some((name) => scores[name] != null))
    .map(({ model, source, scores }) => ({
      model,
      source,
      scores: Object.fromEntries(benchmarks.map((name) => [name, scores[name] ?? null])),
    }));
}
