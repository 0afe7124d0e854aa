// `extends: quickstart`: a recipe that is another one but for the keys that it writes itself.
import { ConfigError } from "@longcot/errors";
import { parseYaml } from "./yaml-source.ts";

/**
 * `value` without its key `extends` and with the keys of the recipe that it names: its own keys replace those, each as a whole. Any number of
 * recipes may stand behind one another.
 * @param read gives the text that a recipe's name or path stands for.
 * @throws ConfigError on a name that is none, or that leads back to itself.
 */
export function inheritRecipe(
  value: unknown,
  { label, read }: { label: string; read: (source: string) => { text: string; label: string } },
  seen: readonly string[] = [],
): unknown {
  if (typeof value !== "object" || value === null || !("extends" in value)) return value;
  const { extends: source, ...own } = value;
  if (typeof source !== "string")
    throw new ConfigError({
      who: label,
      argument: "extends",
      expected: "the name or the path of a recipe",
      received: JSON.stringify(source),
    });
  if (seen.includes(source))
    throw new ConfigError({ who: label, argument: "extends", expected: "a recipe that does not lead back to itself", received: source });
  const base = read(source);
  const inherited = inheritRecipe(parseYaml(base.text, base.label).value, { label: base.label, read }, [...seen, source]);
  return { ...(inherited as object), ...own };
}
