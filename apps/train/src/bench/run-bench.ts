// The work of `longcot bench`: each job on an engine of its own, alone or in turn with another program.
import { loadavg } from "node:os";
import { ConfigError } from "@longcot/errors";
import { locateEagerBinding, locateLibtensorflow } from "@longcot/libtensorflow";
import { openEngine } from "@longcot/tensor-kernels";
import type { Engine, EngineChoice, EngineOptions } from "@longcot/tensor-kernels";
import type { BenchJobName, BenchPlan } from "../cli/bench.ts";
import type { BenchJob, Measurement, PrepareJob } from "./bench-job.ts";
import { measureBuffer } from "./buffer/measure-buffer.ts";
import { prepareGeneration } from "./generate-job.ts";
import { measureGrading } from "./grade-job.ts";
import { preparePolicyStep } from "./grpo-job.ts";
import { median } from "./median.ts";
import { runPeer } from "./run-peer.ts";
import { prepareSft } from "./sft-job.ts";
import { prepareTraining } from "./train-job.ts";

const JOBS: Readonly<Record<Exclude<BenchJobName, "compile" | "grade" | "buffer">, PrepareJob>> = {
  train: prepareTraining,
  sft: prepareSft,
  generate: prepareGeneration,
  grpo: preparePolicyStep,
};

/** Runs every job of the plan and prints a line for each on stdout. */
export async function runBench(plan: BenchPlan): Promise<void> {
  for (const name of plan.jobs) {
    say(`${name}: warming up`);
    if (name === "grade")
      report(plan, { job: name, ...(await measureGrading(plan.repeats)), load_average: Number(loadavg()[0]!.toFixed(2)) });
    else if (name === "buffer") await measureBufferParts(plan);
    else if (name === "compile") await compareWithEager(plan);
    else if (plan.against === undefined) await measureAlone(name, plan);
    else await measureInTurn(name, plan, plan.against);
  }
}

async function measureBufferParts(plan: BenchPlan): Promise<void> {
  const { repeats, python, mib: mebibytes } = plan;
  for await (const figures of measureBuffer({ mebibytes, repeats, python, say }))
    report(plan, { job: "buffer", ...figures, load_average: Number(loadavg()[0]!.toFixed(2)) });
}

async function measureAlone(name: keyof typeof JOBS, plan: BenchPlan): Promise<void> {
  await withJob(name, plan, plan, async (job, engine) => report(plan, await measured(name, job, engine, plan)));
}

/** The other program first, then ours, `rounds` times: what the machine does meanwhile touches both alike. */
async function measureInTurn(name: keyof typeof JOBS, plan: BenchPlan, program: string): Promise<void> {
  await withJob(name, plan, plan, async (job, engine) => {
    const ratios: number[] = [];
    for (let round = 1; round <= plan.rounds; round++) {
      say(`${name}: round ${round} of ${plan.rounds}`);
      const theirs = await runPeer(name, program, plan);
      const ours = await measured(name, job, engine, plan);
      ratios.push(speed(ours) / speed(theirs));
      report(plan, { ...theirs, by: program });
      report(plan, { ...ours, by: "longcot" });
    }
    report(plan, {
      job: name,
      ragged: plan.ragged,
      against: program,
      times_as_fast: median(ratios),
      least: Math.min(...ratios),
      most: Math.max(...ratios),
      rounds: plan.rounds,
    });
  });
}

/** The training step compiled, then the same step op by op: on TensorFlow where its binding is built, else on wasm. */
async function compareWithEager(plan: BenchPlan): Promise<void> {
  const eagerChoice: EngineChoice = locateLibtensorflow() !== undefined && locateEagerBinding() !== undefined ? "tensorflow-eager" : "wasm";
  const traced = await withJob("train", plan, plan, (job, engine) => {
    if (engine.kind !== "tensorflow" && engine.kind !== "tensorflow-gpu")
      throw new ConfigError({
        who: "bench compile",
        argument: "--engine",
        expected: "one that compiles: tensorflow or tensorflow-gpu",
        received: engine.kind,
      });
    return measured("compile", job, engine, plan);
  });
  const eager = await withJob("train", plan, { engine: eagerChoice }, (job, engine) => measured("compile", job, engine, plan));
  report(plan, {
    ...traced,
    eager_engine: eager.engine,
    eager_seconds_per_step: eager.seconds_per_step,
    times_as_fast: speed(traced) / speed(eager),
  });
}

async function withJob<T>(
  name: keyof typeof JOBS,
  plan: BenchPlan,
  { engine: choice, precision, xla }: Pick<EngineOptions, "engine" | "precision" | "xla">,
  work: (job: BenchJob, engine: Engine) => Promise<T>,
): Promise<T> {
  const engine = await openEngine({ engine: choice, threads: plan.threads, precision, xla });
  try {
    return await work(await JOBS[name](engine, plan.shapes, plan.ragged), engine);
  } finally {
    await engine.close();
  }
}

async function measured(
  name: BenchJobName,
  job: BenchJob,
  engine: Engine,
  plan: BenchPlan,
): Promise<{ job: BenchJobName; engine: string } & Measurement> {
  const load = loadavg()[0]!;
  const measurement = await job.measure(plan.repeats);
  return { job: name, ragged: plan.ragged, ...measurement, engine: engine.description, load_average: Number(load.toFixed(2)) };
}

/** More is faster. */
function speed({ tokens_per_s: tokens, seconds_per_step: seconds }: Pick<Measurement, "tokens_per_s" | "seconds_per_step">): number {
  return tokens ?? 1 / seconds!;
}

function report(plan: BenchPlan, line: Record<string, unknown>): void {
  process.stdout.write(`${plan.json ? JSON.stringify(line) : words(line)}\n`);
}

/** `generate  tokens_per_s 4812  median_of 5  …`. */
function words({ job, ...fields }: Record<string, unknown>): string {
  const shown = Object.entries(fields).map(
    ([key, value]) => `${key} ${typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(4)) : String(value)}`,
  );
  return [String(job).padEnd(8), ...shown].join("  ");
}

function say(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`${text} …\n`);
}
