// One line of metrics.jsonl: keys in one order, finite values only, timings told apart from results.
import { NumericError } from "@longcot/errors";
import type { Metrics } from "../events.ts";

/** Names under which wall-clock time enters: the only ones that may differ between two runs of one seed. */
const TIMING_PREFIXES = ["timing_s/", "perf/"];

/** Whether `name` depends on how fast the machine was. */
export function isTimingMetric(name: string): boolean {
  return TIMING_PREFIXES.some((prefix) => name.startsWith(prefix));
}

/** The metrics without those that {@link isTimingMetric}: equal between two runs of one seed, and between a resumed and an unbroken run. */
export function withoutTimings(metrics: Metrics): Metrics {
  return Object.fromEntries(Object.entries(metrics).filter(([name]) => !isTimingMetric(name)));
}

/**
 * One JSON object with sorted keys, without newline.
 * @throws NumericError naming the first metric that is NaN or infinite: such a step must not pass for a result.
 */
export function metricsLine(metrics: Metrics): string {
  const names = Object.keys(metrics).toSorted();
  for (const name of names) {
    const value = metrics[name];
    if (!Number.isFinite(value))
      throw new NumericError({ who: "metrics", argument: name, expected: "a finite number", received: String(value) });
  }
  return JSON.stringify(Object.fromEntries(names.map((name) => [name, metrics[name]])));
}
