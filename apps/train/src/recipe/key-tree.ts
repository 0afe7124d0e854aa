// The keys that a schema knows, by path: what an unknown key is compared with.
import { distance } from "fastest-levenshtein";
import { z } from "zod";
import { adaptiveEntropy, constantEntropy, noEntropy, proportionalIntegralEntropy } from "./schema.ts";

/** Names that `schema` accepts under `path` (array indices are skipped); union branches are merged; empty where keys are free. */
export function knownKeys(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  let nodes = objectsIn(schema);
  for (const part of path) {
    if (typeof part === "number" || /^\d+$/.test(String(part))) continue;
    nodes = nodes.flatMap((node) => {
      const child = node.shape[String(part)];
      return child === undefined ? [] : objectsIn(child);
    });
  }
  return [...new Set(nodes.flatMap((node) => Object.keys(node.shape)))];
}

/** The known key under `path`, or failing that the dotted key anywhere, that is spelt most like `key`; undefined if none is near. */
export function nearestKey(schema: z.core.$ZodType, path: readonly PropertyKey[], key: string): string | undefined {
  const beside = nearest(key, knownKeys(schema, path));
  if (beside !== undefined) return [...path, beside].map(String).join(".");
  const elsewhere = allKeys(schema, "").filter((dotted) => dotted.split(".").at(-1) === key);
  return elsewhere[0];
}

/** The candidate nearest to `word`, if at most a third of its letters differ. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const candidate of candidates) {
    const d = distance(word.toLowerCase(), candidate.toLowerCase());
    if (d < bestDistance) [best, bestDistance] = [candidate, d];
  }
  return bestDistance <= Math.max(1, Math.ceil(Math.max(word.length, best?.length ?? 0) / 3)) ? best : undefined;
}

/** The other value of `entropy.controller` under which `key` would have an effect. */
export function entropyControllerOf(key: string): string | undefined {
  return [adaptiveEntropy, proportionalIntegralEntropy, constantEntropy, noEntropy].find((branch) => key in branch.shape)?.shape.controller
    .value;
}

function allKeys(schema: z.core.$ZodType, prefix: string): string[] {
  return objectsIn(schema).flatMap((node) =>
    Object.entries(node.shape).flatMap(([key, child]) => [prefix + key, ...allKeys(child, `${prefix}${key}.`)]),
  );
}

/** Object schemas reachable from `schema` without passing a key. */
function objectsIn(schema: z.core.$ZodType): z.ZodObject[] {
  if (schema instanceof z.ZodObject) return [schema];
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    return objectsIn(schema.def.innerType);
  if (schema instanceof z.ZodPipe) return [...objectsIn(schema.def.in), ...objectsIn(schema.def.out)];
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => objectsIn(option));
  if (schema instanceof z.ZodArray) return objectsIn(schema.element);
  return [];
}
