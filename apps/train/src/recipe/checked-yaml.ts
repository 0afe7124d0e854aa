// YAML text with overrides, checked by a schema: the value with every default, and where each key was written.
import type { z } from "zod";
import { dotted, recipeError, valueAt } from "./issue-message.ts";
import type { Locate } from "./issue-message.ts";
import { applyOverrides, parseOverride, type Override } from "./overrides.ts";
import { parseYaml } from "./yaml-source.ts";

export interface CheckedYaml<Value> {
  value: Value;
  locate: Locate;
  /** What `adjust` changed, to be shown to the user. */
  notices: string[];
}

/**
 * Parses `text`, lays `sets` (`key=value`) over it and checks the result.
 * @param options.label names the text in errors.
 * @param options.isWritten whether somebody wrote the text, so that errors name its lines; default true.
 * @param options.inherit adds what the text takes from another one.
 * @param options.adjust may add overrides that others bring with them.
 * @throws ConfigError in one line: the key, where it was written, what was expected, what came.
 */
export function parseChecked<Schema extends z.ZodType>({
  schema,
  text,
  label,
  sets = [],
  isWritten = true,
  inherit = (value) => value,
  adjust = (_, overrides) => ({ overrides, notices: [] }),
}: {
  schema: Schema;
  text: string;
  label: string;
  sets?: readonly string[];
  isWritten?: boolean;
  inherit?: (value: unknown) => unknown;
  adjust?: (value: unknown, overrides: Override[]) => { overrides: Override[]; notices: string[] };
}): CheckedYaml<z.output<Schema>> {
  const yaml = parseYaml(text, label);
  const given = sets.map(parseOverride);
  const whole = inherit(yaml.value);
  const { overrides, notices } = adjust(whole, given);
  const input = applyOverrides(whole, overrides);
  const locate: Locate = (path) => {
    const isInFile = valueAt(yaml.value, path) !== undefined;
    const set = given.findLast((override) => startsWith(path, override.path) || (!isInFile && startsWith(override.path, path)));
    if (set !== undefined) return `--set ${dotted(set.path)}`;
    const line = isWritten ? yaml.lineOf(path) : undefined;
    return line === undefined ? label : `${label}:${line}`;
  };
  const parsed = schema.safeParse(input);
  if (!parsed.success) throw recipeError(schema, parsed.error.issues, input, locate);
  return { value: parsed.data, locate, notices };
}

function startsWith(path: readonly PropertyKey[], start: readonly PropertyKey[]): boolean {
  return start.length <= path.length && start.every((part, i) => String(part) === String(path[i]));
}
