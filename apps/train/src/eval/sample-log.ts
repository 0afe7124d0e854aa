// Graded samples on disk as they come, a JSON line each: an interrupted evaluation goes on, a finished one can be read.
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { cutTornLine, JsonlLog, readLog } from "@longcot/durable-files";
import { ConfigError } from "@longcot/errors";
import type { VerifyResult } from "@longcot/verifiers";

/** One answer to one problem, graded. */
export interface GradedSample {
  /** Place of the problem in its benchmark, from 0. */
  problem: number;
  sample: number;
  text: string;
  /** Tokens; null where they were not counted. */
  length: number | null;
  truncated: boolean;
  outcome: VerifyResult["outcome"];
  rule: string;
  extracted: string | null;
}

export interface SampleLog<Sample = GradedSample> {
  /** Samples of problems that were answered whole. */
  readonly samples: Sample[];
  append(samples: readonly Sample[]): void;
  close(): void;
}

/**
 * The log in the file `path`, made if it is not there. Its first line says how the samples were drawn.
 * @throws ConfigError where the file's samples were drawn otherwise.
 */
export function openSampleLog<Sample = GradedSample>(
  path: string,
  drawn: Readonly<Record<string, unknown>>,
  what = "the evaluation in this folder",
): SampleLog<Sample> {
  mkdirSync(dirname(path), { recursive: true });
  cutTornLine(path);
  const [head, ...samples] = readLog<unknown>(path) as [Readonly<Record<string, unknown>>?, ...Sample[]];
  if (head !== undefined && JSON.stringify(head) !== JSON.stringify(drawn))
    throw new ConfigError({
      who: path,
      argument: what,
      expected: `drawn with ${JSON.stringify(drawn)}`,
      received: JSON.stringify(head).slice(0, 300),
      fix: "Name another folder by --out",
    });
  const log = new JsonlLog(path);
  if (head === undefined) log.append([JSON.stringify(drawn)]);
  return {
    samples,
    append(more) {
      log.append(more.map((sample) => JSON.stringify(sample)));
      samples.push(...more);
    },
    close: () => log.close(),
  };
}
