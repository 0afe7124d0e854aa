// Benchmarks: a file of problems, or a name that stands for a published protocol (benchmarks/NAME.yaml) and for the problems on the hub.
import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ConfigError } from "@longcot/errors";
import { z } from "zod";
import { parseChecked } from "../recipe/checked-yaml.ts";
import { yamlNames } from "../recipe/named-yaml.ts";

const FOLDER = fileURLToPath(new URL("../../benchmarks/", import.meta.url));

const month = z.string().regex(/^\d{4}-\d{2}(-\d{2})?$/, "a month or a day, such as 2024-08");

const protocol = z.strictObject({
  /** In front of people. */
  title: z.string().min(1),
  /** Where the problems are published: a data set on the hub, and of it the files by a pattern, or the split. */
  hub: z.strictObject({
    dataset: z.string().min(1),
    files: z.string().optional(),
    config: z.string().optional(),
    split: z.string().optional(),
  }),
  /** `livecodebench`: its rows of public and compressed private tests; else verl's columns or any layout that the filter knows. */
  format: z.enum(["problems", "livecodebench"]).default("problems"),
  /** Of problems with a contest's date, the first and the last that count; months are whole. */
  window: z.strictObject({ from: month, to: month }).optional(),
  /** k of avg@k in the paper's protocol. */
  samples: z.int().min(1),
  /** Put behind a statement that does not ask for a boxed answer yet; absent: prompts are asked as they are. */
  suffix: z.string().optional(),
});

export type Protocol = z.output<typeof protocol>;
export type Window = NonNullable<Protocol["window"]>;

export interface BenchmarkPlan {
  name: string;
  title: string;
  /** A file or a pattern of files; undefined: fetched from `protocol.hub`. */
  path: string | undefined;
  samples?: number | undefined;
  /** Undefined: a file of problems under no published protocol. */
  protocol?: Protocol;
}

/** Names of the published protocols. */
export const benchmarkNames = (): string[] => yamlNames(FOLDER);

/**
 * The benchmark of `FILE`, of `NAME=FILE` (that file under the protocol of that name), or of `NAME` (the same, the file from the hub).
 * @throws ConfigError where there is no such file or name.
 */
export function namedBenchmark(text: string): BenchmarkPlan {
  const [, name = text, path] = /^([A-Za-z0-9-]+)=(.+)$/.exec(text) ?? [];
  if (benchmarkNames().includes(name) && (path !== undefined || !existsSync(text))) {
    const known = readProtocol(name);
    return {
      name,
      title: known.title,
      path: path === undefined ? undefined : checkFile(path),
      samples: known.samples,
      protocol: known,
    };
  }
  if (path !== undefined)
    throw new ConfigError({ who: "--benchmark", expected: `one of ${benchmarkNames().join(", ")} before =`, received: name });
  return { name: basename(text, extname(text)), title: basename(text), path: checkFile(text) };
}

function readProtocol(name: string): Protocol {
  const path = join(FOLDER, `${name}.yaml`);
  return parseChecked({ schema: protocol, text: readFileSync(path, "utf8"), label: path }).value;
}

function checkFile(path: string): string {
  if (existsSync(path) || globSync(path).length > 0) return path;
  throw new ConfigError({
    who: "--benchmark",
    expected: `a file of problems, a name of ${benchmarkNames().join(", ")}, or NAME=FILE`,
    received: path,
  });
}

/** `FROM..TO` as a window. @throws ConfigError for anything else. */
export function parseWindow(text: string): Window {
  const [from, to, ...rest] = text.split("..");
  const parsed = z.strictObject({ from: month, to: month }).safeParse({ from, to });
  if (!parsed.success || rest.length > 0)
    throw new ConfigError({ who: "--window", expected: "FROM..TO, such as 2024-08..2025-02 or 2024-08-01..2025-01-31", received: text });
  return parsed.data;
}
