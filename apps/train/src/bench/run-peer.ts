// The other program of a comparison: a process that takes the same job names and flags and prints one JSON line.
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { LongcotError } from "@longcot/errors";
import type { BenchPlan } from "../cli/bench.ts";
import type { Measurement } from "./bench-job.ts";

/** Flags that such a program has; with --ragged it sets vocab and new itself. */
const FLAGS = ["vocab", "hidden", "layers", "heads", "ffn", "batch", "time", "sequences", "prompt", "new", "completions", "group"] as const;

/**
 * Runs `program job` once, in a temporary folder, since it may write beside itself.
 * @throws LongcotError with its last words where it fails or prints no figures.
 */
export async function runPeer(job: string, program: string, plan: BenchPlan): Promise<Record<string, unknown> & Measurement> {
  const cwd = await mkdtemp(join(tmpdir(), "longcot-bench-"));
  const shapes = FLAGS.flatMap((flag) => [`--${flag}`, String(plan.shapes[flag])]);
  const precision = plan.precision === "float32" ? [] : ["--precision", plan.precision];
  const args = [resolve(program), job, ...shapes, "--repeats", String(plan.repeats), ...(plan.ragged ? ["--ragged"] : []), ...precision];
  const fail = (received: string, cause?: unknown): never => {
    throw new LongcotError({
      who: `${plan.python} ${program} ${job}`,
      expected: "a line of JSON with tokens_per_s or seconds_per_step",
      received,
      cause,
    });
  };
  // A relative path with a separator names a file here, not in the temporary folder.
  const python = /[/\\]/.test(plan.python) ? resolve(plan.python) : plan.python;
  try {
    const { stdout } = await promisify(execFile)(python, args, { cwd, maxBuffer: 1 << 26 }).catch((error: Error & { stderr?: string }) =>
      fail(error.stderr?.trim().split("\n").at(-1) || error.message, error),
    );
    const line =
      stdout
        .trim()
        .split("\n")
        .findLast((text) => text.startsWith("{")) ?? fail("no such line");
    const figures = JSON.parse(line) as Record<string, unknown> & Measurement;
    return typeof (figures.tokens_per_s ?? figures.seconds_per_step) === "number" ? figures : fail(line);
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}
