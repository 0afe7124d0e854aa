// A zod issue in the words of a recipe's author: dotted key, line, what was expected, what came, the nearest known key.
import { ConfigError } from "@longcot/errors";
import type { z } from "zod";
import { entropyControllerOf, knownKeys, nearestKey } from "./key-tree.ts";
import { WHOLE_NUMBER } from "./fields.ts";

/** Where a key was written, such as `my.yaml:12` or `--set stages.0.steps`. */
export type Locate = (path: readonly PropertyKey[]) => string;

/** The error for the most telling of `issues`: unknown keys first, since a misspelt key also makes its right spelling missing. */
export function recipeError(schema: z.core.$ZodType, issues: readonly z.core.$ZodIssue[], input: unknown, locate: Locate): ConfigError {
  const flat = issues.flatMap((issue) => relevantIssues(issue, input, []));
  const issue = flat.find((candidate) => candidate.code === "unrecognized_keys") ?? flat[0]!;
  return issue.code === "unrecognized_keys" ? unknownKeyError(schema, issue, input, locate) : valueError(issue, input, locate);
}

/** `stages.0.steps` for `["stages", 0, "steps"]`. */
export function dotted(path: readonly PropertyKey[]): string {
  return path.map(String).join(".");
}

/** The value at `path` inside `input`; undefined where there is none. */
export function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const part of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}

/** Replaces a union's issue by those of the branch that the value's own type chose. */
function relevantIssues(issue: z.core.$ZodIssue, input: unknown, prefix: PropertyKey[]): z.core.$ZodIssue[] {
  const path = [...prefix, ...issue.path];
  if (issue.code === "invalid_union") {
    const branch = issue.errors.find(
      (errors) => errors.length > 0 && !errors.some((error) => error.code === "invalid_type" && error.path.length === 0),
    );
    if (branch !== undefined) return branch.flatMap((inner) => relevantIssues(inner, input, path));
  }
  return [{ ...issue, path }];
}

function unknownKeyError(schema: z.core.$ZodType, issue: z.core.$ZodIssueUnrecognizedKeys, input: unknown, locate: Locate): ConfigError {
  const key = issue.keys[0]!;
  const path = [...issue.path, key];
  const controller = dotted(issue.path) === "entropy" ? entropyControllerOf(key) : undefined;
  if (controller !== undefined) {
    const set = JSON.stringify(valueAt(input, ["entropy", "controller"]) ?? "adaptive").replaceAll('"', "");
    return new ConfigError({
      who: locate(path),
      argument: dotted(path),
      expected: `absent, since it has no effect with entropy.controller ${set}`,
      received: JSON.stringify(valueAt(input, path)),
      fix: `Remove it, or set entropy.controller to ${controller}`,
    });
  }
  const suggestion = nearestKey(schema, issue.path, key);
  return new ConfigError({
    who: locate(path),
    expected: "a known key",
    received: dotted(path),
    fix: suggestion === undefined ? `Known here: ${knownKeys(schema, issue.path).join(", ")}` : `Did you mean ${suggestion}?`,
  });
}

function valueError(issue: z.core.$ZodIssue, input: unknown, locate: Locate): ConfigError {
  const value = valueAt(input, issue.path);
  const argument = issue.path.length === 0 ? "the recipe" : dotted(issue.path);
  const missing = value === undefined;
  return new ConfigError({
    who: locate(issue.path),
    argument,
    expected: expectation(issue),
    received: missing ? "nothing" : clip(JSON.stringify(value)),
    ...(missing && issue.path.length > 0 ? { fix: `Add it, or --set ${argument}=…` } : {}),
  });
}

function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return issue.message === WHOLE_NUMBER ? WHOLE_NUMBER : (TYPE_WORDS[issue.expected] ?? `a ${issue.expected}`);
    case "invalid_value":
      return issue.values.length === 1 ? String(issue.values[0]) : `one of ${issue.values.map(String).join(", ")}`;
    case "too_small":
      return issue.origin === "string" || issue.origin === "array"
        ? sized(issue.origin, `at least ${issue.minimum}`)
        : `${issue.inclusive ? "at least" : "above"} ${issue.minimum}`;
    case "too_big":
      return issue.origin === "string" || issue.origin === "array"
        ? sized(issue.origin, `at most ${issue.maximum}`)
        : `${issue.inclusive ? "at most" : "below"} ${issue.maximum}`;
    case "invalid_union":
      if (issue.discriminator !== undefined) return "one of adaptive, pi, constant, none";
      return [...new Set(issue.errors.flat().map(expectation))].join(" or ");
    case "invalid_format":
    case "custom":
      return issue.message;
    case "invalid_key":
      return `a mapping whose keys are each ${issue.issues[0]?.message ?? "valid"}`;
    case "invalid_element":
    case "not_multiple_of":
    case "unrecognized_keys":
      return issue.message;
  }
}

const TYPE_WORDS: Record<string, string> = {
  number: "a number",
  string: "text",
  boolean: "true or false",
  array: "a list",
  tuple: "a list",
  object: "a mapping",
  record: "a mapping",
};

function sized(origin: string, bound: string): string {
  return origin === "string" ? `text of ${bound} letter` : `a list of ${bound} item`;
}

function clip(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
