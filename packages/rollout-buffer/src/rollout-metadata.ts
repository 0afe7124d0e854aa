// What a step says about itself beside its rows, as string pairs in the Arrow schema's metadata.
import { ConfigError, DataError } from "@longcot/errors";
import { SCHEMA_VERSION } from "./column-table.ts";
import { CHECKSUM_PREFIXES } from "./file-checksum.ts";
import { checkSchemaVersion } from "./schema-version.ts";

/** Keys of this package begin with it; a caller's keys may not. */
const RESERVED_PREFIX = "longcot.";

/** Identity of a sealed step. */
export interface RolloutMetadata {
  /** Training step that the rows feed. */
  readonly step: number;
  /** Seed of the run: with step, prompt_id and sample_index it keys every random draw. */
  readonly seed: number;
  /** The caller's own pairs. */
  readonly custom: Readonly<Record<string, string>>;
}

/** @throws ConfigError unless step is an int32 ≥ 0, seed a safe integer, and the custom pairs plain strings outside `longcot.`. */
export function checkMetadata(
  who: string,
  { step, seed, custom = {} }: { step: number; seed: number; custom?: Readonly<Record<string, string>> | undefined },
): RolloutMetadata {
  if (!Number.isInteger(step) || step < 0 || step > 0x7fffffff)
    throw new ConfigError({
      who,
      argument: "step",
      expected: "a whole number from 0 to 2147483647",
      received: String(step),
    });
  if (!Number.isSafeInteger(seed))
    throw new ConfigError({
      who,
      argument: "seed",
      expected: "a safe integer",
      received: String(seed),
    });
  for (const [key, value] of Object.entries(custom)) {
    if (key.startsWith(RESERVED_PREFIX))
      throw new ConfigError({
        who,
        argument: `metadata key ${key}`,
        expected: `outside ${RESERVED_PREFIX}*`,
        received: "a reserved key",
      });
    const taken = CHECKSUM_PREFIXES.find((prefix) => `${key} ${value}`.includes(prefix));
    if (typeof value !== "string" || taken !== undefined)
      throw new ConfigError({
        who,
        argument: `metadata ${key}`,
        expected: `a string without "${taken ?? CHECKSUM_PREFIXES[0]}"`,
        received: typeof value === "string" ? value : typeof value,
      });
  }
  return { step, seed, custom: { ...custom } };
}

/** The pairs of a file, ours first, the caller's in code-unit order, so that equal steps give equal bytes. */
export function toSchemaMetadata({ step, seed, custom }: RolloutMetadata, checksum?: string): Map<string, string> {
  const pairs = new Map([
    ["longcot.schema_version", String(SCHEMA_VERSION)],
    ["longcot.step", String(step)],
    ["longcot.seed", String(seed)],
  ]);
  if (checksum !== undefined) pairs.set("longcot.checksum", checksum);
  for (const key of Object.keys(custom).toSorted()) pairs.set(key, custom[key]!);
  return pairs;
}

/** @throws DataError when the version is not one that is read, or a pair of ours is missing. */
export function fromSchemaMetadata(
  who: string,
  path: string,
  pairs: ReadonlyMap<string, string>,
): { version: string; metadata: RolloutMetadata } {
  const version = pairs.get("longcot.schema_version");
  checkSchemaVersion(who, path, version);
  const [step, seed] = [pairs.get("longcot.step"), pairs.get("longcot.seed")];
  if (step === undefined || seed === undefined)
    throw new DataError({
      who,
      argument: path,
      expected: "metadata longcot.step and longcot.seed",
      received: [...pairs.keys()].join(", "),
    });
  const custom = Object.fromEntries([...pairs].filter(([key]) => !key.startsWith(RESERVED_PREFIX)));
  return { version: version!, metadata: { step: Number(step), seed: Number(seed), custom } };
}
