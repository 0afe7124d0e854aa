// YAML files by path, or by the name of one that ships with the program.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "@longcot/errors";
import { nearest } from "./key-tree.ts";

/** Names of the YAML files in `folder`, sorted. */
export function yamlNames(folder: string): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".yaml"))
    .map((file) => file.slice(0, -".yaml".length))
    .toSorted();
}

/**
 * Text and label of what `--recipe source` names: a path (it ends in .yaml or .yml, or holds a slash), or a file of `folder`.
 * @param what names the file in errors, such as `a recipe file`.
 * @throws ConfigError if there is none, with the nearest name.
 */
export function readNamedYaml(source: string, folder: string, what: string): { text: string; label: string } {
  if (/\.ya?ml$|[/\\]/.test(source)) {
    if (!existsSync(source) || !statSync(source).isFile())
      throw new ConfigError({ who: "--recipe", expected: `${what} that exists`, received: source });
    return { text: readFileSync(source, "utf8"), label: source };
  }
  const names = yamlNames(folder);
  if (!names.includes(source)) {
    const near = nearest(source, names);
    throw new ConfigError({
      who: "--recipe",
      expected: `the path of a .yaml file or one of ${names.join(", ")}`,
      received: source,
      ...(near === undefined ? {} : { fix: `Did you mean ${near}?` }),
    });
  }
  return { text: readFileSync(join(folder, `${source}.yaml`), "utf8"), label: `${source}.yaml` };
}
