// The speed of the code grader: runs of a trivial program in the sandbox, through the pool as training uses it.
import { availableParallelism } from "node:os";
import { createVerifierPool } from "@longcot/verifiers";
import type { VerifyRequest } from "@longcot/verifiers";
import { timeCalls } from "./bench-job.ts";
import { median } from "./median.ts";

/** Runs of one measurement: some seconds of work. */
const RUNS = 400;
const RESPONSE = "```python\nn = int(input())\nprint(sum(map(int, input().split())))\n```";
const GROUND_TRUTH = JSON.stringify({ inputs: ["3\n1 2 3\n"], outputs: ["6\n"] });

export interface GradeMeasurement {
  /** Runs a second, all processes together. */
  runs_per_s: number;
  processes: number;
  isolation: string;
  median_of: number;
}

/** Times `repeats` batches of programs with one test each, by default on all processors (at most 4). @throws where they do not pass. */
export async function measureGrading(repeats: number, processes: number = Math.min(4, availableParallelism())): Promise<GradeMeasurement> {
  await using pool = createVerifierPool({ jobs: processes });
  const { level } = await pool.isolation();
  const requests = Array.from({ length: RUNS }, (_, i): VerifyRequest => ({
    id: String(i),
    ability: "code",
    response: RESPONSE,
    groundTruth: GROUND_TRUTH,
  }));
  const run = async (): Promise<void> => {
    const failed = (await pool.grade(requests)).find(({ score }) => score !== 1);
    if (failed !== undefined) throw new Error(`internal: a trivial program came out ${failed.outcome} (${failed.detail})`);
  };
  await run();
  const seconds = await timeCalls(repeats, run);
  return { runs_per_s: RUNS / median(seconds), processes, isolation: level, median_of: repeats };
}
