// Graded samples on disk as they come, a JSON line each: an interrupted evaluation goes on, a finished one can be read.
import { closeSync, existsSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
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

export interface SampleLog {
  /** Samples of problems that were answered whole. */
  readonly samples: GradedSample[];
  append(samples: readonly GradedSample[]): void;
  close(): void;
}

/**
 * The log in the file `path`, made if it is not there. Its first line says how the samples were drawn.
 * @throws ConfigError where the file's samples were drawn otherwise.
 */
export function openSampleLog(path: string, drawn: Readonly<Record<string, unknown>>): SampleLog {
  mkdirSync(dirname(path), { recursive: true });
  const head = JSON.stringify(drawn);
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  const lines = whole.split("\n").slice(0, -1);
  if (lines.length > 0 && lines[0] !== head)
    throw new ConfigError({
      who: path,
      argument: "the evaluation in this folder",
      expected: `drawn with ${head}`,
      received: lines[0]!.slice(0, 300),
      fix: "Name another folder by --out",
    });
  const fd = openSync(path, "a");
  if (whole.length < text.length) ftruncateSync(fd, Buffer.byteLength(whole));
  if (lines.length === 0) writeSync(fd, `${head}\n`);
  const samples = lines.slice(1).map((line) => JSON.parse(line) as GradedSample);
  return {
    samples,
    append(more) {
      writeSync(fd, more.map((sample) => `${JSON.stringify(sample)}\n`).join(""));
      samples.push(...more);
    },
    close: () => closeSync(fd),
  };
}
