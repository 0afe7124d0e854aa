// Which of the logged responses the report shows: right and wrong ones of the first and of the last steps.
import type { SampleRecord } from "../run/records.ts";

/** Samples shown of each kind (first or last, right or wrong). */
const EACH = 2;

export interface SampleGroup {
  title: string;
  samples: SampleRecord[];
}

/** Groups in reading order; a group without samples is left out. */
export function chooseSamples(samples: readonly SampleRecord[]): SampleGroup[] {
  const half = samples.length === 0 ? 0 : (samples[0]!.step + samples.at(-1)!.step) / 2;
  const isRight = (sample: SampleRecord) => sample.outcome === "correct";
  const early = samples.filter((sample) => sample.step <= half);
  const late = samples.filter((sample) => sample.step > half).toReversed();
  return [
    { title: "First steps, right", samples: early.filter(isRight).slice(0, EACH) },
    { title: "First steps, wrong", samples: early.filter((sample) => !isRight(sample)).slice(0, EACH) },
    { title: "Last steps, right", samples: late.filter(isRight).slice(0, EACH) },
    { title: "Last steps, wrong", samples: late.filter((sample) => !isRight(sample)).slice(0, EACH) },
  ].filter((group) => group.samples.length > 0);
}
