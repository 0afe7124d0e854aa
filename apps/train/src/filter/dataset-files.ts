// Which files of a data set's repository hold a split: as its card says, else by their names.
import { matchesGlob } from "node:path";
import { ConfigError } from "@longcot/errors";
import { parse } from "yaml";
import { z } from "zod";

/** A split of a data set on the hub. */
export interface DatasetSplit {
  /** `owner/name`, for errors. */
  name: string;
  /** A configuration (subset); undefined: the default or only one. */
  config: string | undefined;
  split: string;
  /** A pattern of the files instead, whatever split or configuration they are of. */
  files?: string | undefined;
}

const DATA = /\.(parquet|jsonl|ndjson|json|csv|arrow)(\.gz)?$/;

const paths = z.union([z.string(), z.array(z.string())]);
const card = z.object({
  configs: z
    .array(
      z.object({
        config_name: z.string(),
        default: z.boolean().optional(),
        data_dir: z.string().optional(),
        data_files: z.union([paths, z.array(z.object({ split: z.string(), path: paths })), z.record(z.string(), paths)]).optional(),
      }),
    )
    .optional(),
});

/**
 * The paths of `files` that hold the split, in order; none where nothing does. `readme` is the data set's card, if it has one.
 * @throws ConfigError where the card has configurations or splits and the one asked for is not among them, or none is the default.
 */
export function splitFiles(
  files: readonly string[],
  readme: string | undefined,
  { name, config, split, files: pattern }: DatasetSplit,
): string[] {
  if (pattern !== undefined) return files.filter((file) => matchesGlob(file, pattern)).toSorted();
  const configs = readme === undefined ? [] : (card.safeParse(frontMatter(readme)).data?.configs ?? []);
  if (configs.length > 0) {
    const chosen =
      config === undefined
        ? (configs.find((one) => one.default === true || one.config_name === "default") ?? (configs.length === 1 ? configs[0] : undefined))
        : configs.find((one) => one.config_name === config);
    if (chosen === undefined)
      throw new ConfigError({
        who: name,
        argument: "config",
        expected: `one of ${configs.map(({ config_name: one }) => one).join(", ")}`,
        received: config ?? "nothing",
      });
    const { data_dir: folder, data_files: listed } = chosen;
    if (listed !== undefined) {
      const bySplit = patternsBySplit(listed);
      const patterns = bySplit.get(split);
      if (patterns === undefined)
        throw new ConfigError({ who: name, argument: "split", expected: `one of ${[...bySplit.keys()].join(", ")}`, received: split });
      return files
        .filter((file) => DATA.test(file) && patterns.some((pattern) => matchesGlob(file, pattern.replace(/^\.\//, ""))))
        .toSorted();
    }
    return byName(
      files.filter((file) => folder === undefined || file.startsWith(`${folder.replace(/\/$/, "")}/`)),
      split,
    );
  }
  return byName(config === undefined ? files : files.filter((file) => file.split("/").includes(config)), split);
}

/** Files with the split's name in their path; for `train`, where no file names any split, all. Parquet before other formats. */
function byName(files: readonly string[], split: string): string[] {
  const data = files.filter((file) => DATA.test(file) && !/(^|\/)(dataset_infos?|state)\.json$/.test(file));
  const names = (word: string) => data.filter((file) => new RegExp(`(^|[/_.-])${word}([/_.-]|\\d|$)`, "i").test(file));
  const named = names(split);
  const others = names("(train|test|validation|valid|val|dev)");
  const found = named.length > 0 ? named : split === "train" && others.length === 0 ? data : [];
  const parquet = found.filter((file) => file.endsWith(".parquet"));
  return (parquet.length > 0 ? parquet : found).toSorted();
}

function patternsBySplit(listed: unknown): Map<string, string[]> {
  const list = (value: string | string[]): string[] => [value].flat();
  if (typeof listed === "string") return new Map([["train", [listed]]]);
  if (!Array.isArray(listed))
    return new Map(Object.entries(listed as Record<string, string | string[]>).map(([split, path]) => [split, list(path)]));
  if (listed.every((one) => typeof one === "string")) return new Map([["train", listed as string[]]]);
  return new Map((listed as { split: string; path: string | string[] }[]).map(({ split, path }) => [split, list(path)]));
}

/** The YAML between the first two lines of dashes. */
function frontMatter(readme: string): unknown {
  const [, yaml] = /^---\r?\n([\s\S]*?)\r?\n---/.exec(readme) ?? [];
  try {
    return yaml === undefined ? {} : parse(yaml);
  } catch {
    return {};
  }
}
