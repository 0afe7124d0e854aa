// What a run leaves behind that must not depend on how often it was stopped, nor on how fast the machine was.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readLog } from "@longcot/durable-files";
import type { Metrics } from "@longcot/train/src/events.ts";
import { withoutTimings } from "@longcot/train/src/run/metrics-line.ts";

/** Steps of tiny.yaml. */
export const TINY_STEPS = 6;

export interface RunOutcome {
  /** Without timings. */
  metrics: Metrics[];
  evaluations: string;
  samples: string;
  passRates: string;
  /** SHA-256 by path in the run's folder: rollouts, generated data, and weights and moments of the last step. */
  files: Record<string, string>;
}

/** Reads the outcome of a finished run of tiny.yaml. */
export function readOutcome(run: string): RunOutcome {
  const last = `checkpoints/step-${String(TINY_STEPS).padStart(6, "0")}/`;
  const isCompared = (path: string) => /^(rollouts|data)\//.test(path) || (path.startsWith(last) && !path.endsWith("state.json"));
  return {
    metrics: readLog<Metrics>(join(run, "metrics.jsonl")).map(withoutTimings),
    evaluations: readFileSync(join(run, "evaluations.jsonl"), "utf8"),
    samples: readFileSync(join(run, "samples.jsonl"), "utf8"),
    passRates: readFileSync(join(run, "pass-rates.jsonl"), "utf8"),
    files: Object.fromEntries(Object.entries(hashFiles(run)).filter(([path]) => isCompared(path))),
  };
}

/** SHA-256 of every file under `folder`, by its path with forward slashes. */
export function hashFiles(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map(({ parentPath, name }) => join(parentPath, name)).toSorted();
  return Object.fromEntries(
    paths.map((path) => [
      path.slice(folder.length + 1).replaceAll("\\", "/"),
      createHash("sha256").update(readFileSync(path)).digest("hex"),
    ]),
  );
}
