// What a timed job is: prepared and warmed up once, then measured as often as wanted.
import type { Engine } from "@longcot/tensor-kernels";
import type { BenchShapes } from "../cli/bench.ts";

/** One measurement of several repeats; `seconds_per_step`, `tokens_per_s` or both. */
export interface Measurement {
  parameters: number;
  seconds_per_step?: number;
  tokens_per_s?: number;
  median_of: number;
  /** Figures beside the main one, by name. */
  [detail: string]: unknown;
}

export interface BenchJob {
  measure(repeats: number): Promise<Measurement>;
}

/** Makes the model on `engine`, compiles and runs everything once. */
export type PrepareJob = (engine: Engine, shapes: BenchShapes, ragged: boolean) => Promise<BenchJob>;

/** Seconds of each of `count` calls, one after the other. */
export async function timeCalls(count: number, call: (repeat: number) => Promise<unknown>): Promise<number[]> {
  const seconds: number[] = [];
  for (let repeat = 0; repeat < count; repeat++) {
    const start = performance.now();
    await call(repeat);
    seconds.push((performance.now() - start) / 1000);
  }
  return seconds;
}
