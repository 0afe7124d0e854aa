// `--set a.b=value`: one override parsed, and laid over a recipe's plain values.
import { ConfigError } from "@longcot/errors";
import { parseYamlValue } from "./yaml-source.ts";

export interface Override {
  path: (string | number)[];
  /** null removes the key. */
  value: unknown;
}

/** Parses `stages.0.steps=5` or `stages[0].steps=5`; the value is YAML. @throws ConfigError if it is not `key=value`. */
export function parseOverride(text: string): Override {
  const equals = text.indexOf("=");
  const key = text.slice(0, equals);
  if (equals < 1 || !DOTTED_KEY.test(key)) {
    throw new ConfigError({
      who: "--set",
      expected: "key=value with a dotted key, such as stages.0.steps=5",
      received: JSON.stringify(text),
    });
  }
  return { path: parseKey(key, "--set"), value: parseYamlValue(text.slice(equals + 1), `--set ${key}`) };
}

const DOTTED_KEY = /^[A-Za-z_]\w*(?:\.\w+|\[\d+\])*$/;

/** `["stages", 0, "steps"]` for `stages.0.steps` or `stages[0].steps`. @throws ConfigError naming `who` if it is no dotted key. */
export function parseKey(key: string, who: string): (string | number)[] {
  if (!DOTTED_KEY.test(key))
    throw new ConfigError({ who, expected: "a dotted key, such as stages.0.steps", received: JSON.stringify(key) });
  return key
    .split(/[.[\]]+/)
    .filter((part) => part !== "")
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

/** A copy of `recipe` with `overrides` applied in order. @throws ConfigError if a path leads through a value that has no keys. */
export function applyOverrides(recipe: unknown, overrides: readonly Override[]): unknown {
  let result = structuredClone(recipe);
  for (const { path, value } of overrides) result = withValue(result, path, value, path);
  return result;
}

function withValue(node: unknown, rest: readonly (string | number)[], value: unknown, path: readonly (string | number)[]): unknown {
  const [part, ...deeper] = rest;
  if (part === undefined) return value;
  const here = path.slice(0, path.length - rest.length).join(".");
  if (Array.isArray(node)) {
    if (typeof part !== "number" || part >= node.length) {
      throw new ConfigError({
        who: `--set ${path.join(".")}`,
        argument: `the index into ${here}`,
        expected: `from 0 to ${node.length - 1}`,
        received: String(part),
      });
    }
    if (value === null && deeper.length === 0) return node.toSpliced(part, 1);
    return node.with(part, withValue(node[part], deeper, value, path));
  }
  const mapping = node ?? {};
  if (typeof mapping !== "object") {
    throw new ConfigError({
      who: `--set ${path.join(".")}`,
      argument: here,
      expected: "a mapping to set a key in",
      received: JSON.stringify(node),
    });
  }
  const copy: Record<string, unknown> = { ...mapping };
  if (value === null && deeper.length === 0) delete copy[part];
  else copy[part] = withValue(copy[part], deeper, value, path);
  return copy;
}
