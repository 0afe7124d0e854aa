// A data set on the Hugging Face hub as files: fetched into the hub's own cache, where `datasets` and others find them too, or found there.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { ConfigError, DataError } from "@longcot/errors";
import { findSnapshot, parseHubReference } from "@longcot/language-model";
import { fetchSnapshot, isRefusal } from "../models/fetch-snapshot.ts";
import { isOffline, reasonOf } from "../models/resolve-model.ts";
import { splitFiles, type DatasetSplit } from "./dataset-files.ts";

export interface DatasetReference {
  /** `owner/name` or `owner/name@revision`. */
  dataset: string;
  config?: string | undefined;
  /** Default `train`. */
  split?: string | undefined;
  /** A pattern of files instead of a split. */
  files?: string | undefined;
}

/** Where the hub keeps data sets of other formats as parquet: `<config>/<split>/0000.parquet`. */
const CONVERTED = "refs/convert/parquet";

/**
 * The files of a split, on this machine. With `HF_HUB_OFFLINE`, or where the hub cannot be reached, the cache alone is asked.
 * @throws ConfigError for a name that is none, or a configuration or split that is not there; DataError where the files cannot be had.
 */
export async function resolveDataset({ dataset, config, split = "train", files: pattern }: DatasetReference): Promise<string[]> {
  const parsed = parseHubReference(dataset);
  if (parsed === undefined)
    throw new ConfigError({ who: "data set", expected: "owner/name of a data set on the hub", received: JSON.stringify(dataset) });
  const repository = { ...parsed, type: "dataset" as const };
  const wanted: DatasetSplit = { name: dataset, config, split, files: pattern };
  if (isOffline()) return (await fromCache()) ?? missing("not in the hub's cache (HF_HUB_OFFLINE is set)");
  try {
    const files = await fetched(repository.revision);
    if (files.length > 0) return files;
    const converted = repository.revision === "main" ? await fetched(CONVERTED).catch(unlessRefused) : [];
    if (converted.length > 0) return converted;
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    const cached = isRefusal(cause) ? undefined : await fromCache();
    if (cached !== undefined) {
      process.stderr.write(`${dataset}: the hub cannot be reached (${reasonOf(cause)}); using the cache\n`);
      return cached;
    }
    return missing(`the hub says: ${reasonOf(cause)}`, cause);
  }
  return missing(
    pattern !== undefined
      ? `no file ${pattern}`
      : `no file of split ${split}${config === undefined ? "" : ` of ${config}`} that can be read`,
  );

  /** Fetches the split's files of a revision. */
  async function fetched(revision: string): Promise<string[]> {
    let chosen: string[] = [];
    const snapshot = await fetchSnapshot({ ...repository, revision }, async (paths, fetch) => {
      const readme = paths.includes("README.md") ? readFileSync(await fetch("README.md"), "utf8") : undefined;
      chosen = splitFiles(paths, readme, wanted);
      return chosen;
    });
    return chosen.map((path) => join(snapshot, path));
  }

  /** The split's files in the cache; undefined where there are none. */
  async function fromCache(): Promise<string[] | undefined> {
    for (const revision of [repository.revision, CONVERTED]) {
      const snapshot = await findSnapshot({ ...repository, revision });
      if (snapshot === undefined) continue;
      const entries = readdirSync(snapshot, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory());
      const paths = entries.map(({ parentPath, name }) => relative(snapshot, join(parentPath, name)).replaceAll("\\", "/"));
      const readme = join(snapshot, "README.md");
      const files = splitFiles(paths, existsSync(readme) ? readFileSync(readme, "utf8") : undefined, wanted);
      if (files.length > 0) return files.map((path) => join(snapshot, path));
    }
    return undefined;
  }

  function missing(received: string, cause?: unknown): never {
    throw new DataError({
      who: "data set",
      expected: `files of ${dataset} on the hub`,
      received,
      fix: "Check name, config and split; private and gated data sets need HF_TOKEN",
      ...(cause === undefined ? {} : { cause }),
    });
  }
}

function unlessRefused(error: unknown): string[] {
  if (isRefusal(error)) return [];
  throw error;
}

/** `owner/name`, `owner/name:split` or `owner/name@revision:split`, where no file or pattern of that name is meant; else undefined. */
export function parseDataset(text: string): DatasetReference | undefined {
  const [, dataset, split] = /^([\w.@/-]+?)(?::([\w.-]+))?$/.exec(text) ?? [];
  if (dataset === undefined || existsSync(text) || /\.(parquet|jsonl|ndjson|json|csv|arrow|feather|ipc|gz)$/i.test(text)) return undefined;
  return parseHubReference(dataset) === undefined ? undefined : { dataset, ...(split === undefined ? {} : { split }) };
}
