// Benchmarks: a file of problems, or a name that stands for a published protocol (benchmarks/NAME.yaml) and says where the file comes from.
import { existsSync, readFileSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ConfigError } from "@longcot/errors";
import { z } from "zod";
import { parseChecked } from "../recipe/checked-yaml.ts";
import { yamlNames } from "../recipe/named-yaml.ts";

const FOLDER = fileURLToPath(new URL("../../benchmarks/", import.meta.url));

const protocol = z.strictObject({
  /** In front of people. */
  title: z.string().min(1),
  /** Where the problems are published: data set on a hub, and the file in it. */
  dataset: z.string().min(1),
  /** k of avg@k in the paper's protocol. */
  samples: z.int().min(1),
  /** Put behind a statement that does not ask for a boxed answer yet; absent: prompts are asked as they are. */
  suffix: z.string().optional(),
});

export interface BenchmarkPlan {
  name: string;
  title: string;
  path: string;
  samples?: number | undefined;
  suffix?: string | undefined;
}

/** Names of the published protocols. */
export const benchmarkNames = (): string[] => yamlNames(FOLDER);

/**
 * The benchmark of `FILE`, or of `NAME=FILE`: that file under the protocol of that name.
 * @throws ConfigError where there is no such file or name; for a name alone it says where to get the file.
 */
export function namedBenchmark(text: string): BenchmarkPlan {
  const [, name, path] = /^([A-Za-z0-9-]+)=(.+)$/.exec(text) ?? [];
  if (name === undefined) {
    if (benchmarkNames().includes(text)) {
      throw new ConfigError({
        who: "--benchmark",
        expected: `${text}=FILE, with the problems of ${readProtocol(text).dataset} in FILE`,
        received: text,
      });
    }
    return { name: basename(text, extname(text)), title: basename(text), path: checkFile(text) };
  }
  if (!benchmarkNames().includes(name))
    throw new ConfigError({ who: "--benchmark", expected: `one of ${benchmarkNames().join(", ")} before =`, received: name });
  const { title, samples, suffix } = readProtocol(name);
  return { name, title, path: checkFile(path!), samples, ...(suffix === undefined ? {} : { suffix }) };
}

function readProtocol(name: string): z.output<typeof protocol> {
  const path = join(FOLDER, `${name}.yaml`);
  return parseChecked({ schema: protocol, text: readFileSync(path, "utf8"), label: path }).value;
}

function checkFile(path: string): string {
  if (existsSync(path)) return path;
  throw new ConfigError({
    who: "--benchmark",
    expected: `a file of problems, or NAME=FILE with one of ${benchmarkNames().join(", ")}`,
    received: path,
  });
}
