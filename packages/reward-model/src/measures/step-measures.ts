// How well a process reward model tells right steps from wrong ones.
import { ConfigError, NumericError, ShapeError } from "@longcot/errors";

/** One answer's steps, [steps] each. */
export interface JudgedSteps {
  /** What the model says, from 0 to 1. */
  readonly probabilities: ArrayLike<number>;
  /** Soft labels, from 0 to 1. */
  readonly values: ArrayLike<number>;
  /** Hard labels. */
  readonly labels: readonly boolean[];
}

export interface StepBin {
  /** Probabilities in [low, high); the last bin includes its high end. */
  readonly low: number;
  readonly high: number;
  readonly steps: number;
  /** Mean probability and mean soft label; absent in an empty bin. */
  readonly probability?: number;
  readonly value?: number;
}

export interface StepMeasures {
  readonly answers: number;
  readonly steps: number;
  /** Share of steps with probability ≥ 1/2 where the hard label is true, below where it is false. */
  readonly accuracy: number;
  /** Mean of −value · log p − (1 − value) · log(1 − p), nats. */
  readonly logLoss: number;
  /** Expected calibration error: Σ over bins of (steps in it / steps) · |mean value − mean probability|. */
  readonly ece: number;
  readonly bins: readonly StepBin[];
  /** Of answers with a false label: how many there are, and the share where the first step below 1/2 is the first of them. */
  readonly erroneous: { readonly answers: number; readonly found?: number };
  /** Of answers without one: the share where no step is below 1/2. */
  readonly faultless: { readonly answers: number; readonly passed?: number };
  /** Harmonic mean of `found` and `passed`; absent where answers are all of one kind. */
  readonly f1?: number;
}

/** Probabilities this near to 0 and 1 count as that far from them: float32 sigmoids reach both. */
const NEAREST = 1e-7;

/**
 * @param options.bins of equal width over [0, 1]; default 10.
 * @throws ShapeError without steps, or where lengths differ. @throws NumericError on a number outside 0 … 1. @throws ConfigError unless `bins` is a
 * positive integer.
 * Source: first errors and their F1, ProcessBench, arXiv 2412.06559 §4; calibration, arXiv 1706.04599 eq. 3.
 */
export function stepMeasures(answers: readonly JudgedSteps[], { bins: count = 10 }: { bins?: number } = {}): StepMeasures {
  const who = "stepMeasures";
  if (!Number.isInteger(count) || count < 1)
    throw new ConfigError({ who, argument: "bins", expected: "a positive integer", received: String(count) });
  const all = answers.flatMap((answer, i) => checkedSteps(who, answer, i));
  if (all.length === 0) throw new ShapeError({ who, argument: "answers", expected: "at least one step", received: "none" });
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const bins = Array.from({ length: count }, (_, i): StepBin => {
    const own = all.filter(({ probability }) => Math.min(count - 1, Math.floor(probability * count)) === i);
    return {
      low: i / count,
      high: (i + 1) / count,
      steps: own.length,
      ...(own.length === 0
        ? {}
        : { probability: mean(own.map(({ probability }) => probability)), value: mean(own.map(({ value }) => value)) }),
    };
  });
  const firstDoubt = ({ probabilities }: JudgedSteps): number => Array.from(probabilities).findIndex((probability) => probability < 0.5);
  const [wrong, right] = [answers.filter(({ labels }) => labels.includes(false)), answers.filter(({ labels }) => !labels.includes(false))];
  const found = share(wrong, (answer) => firstDoubt(answer) === answer.labels.indexOf(false));
  const passed = share(right, (answer) => firstDoubt(answer) < 0);
  return {
    answers: answers.length,
    steps: all.length,
    accuracy: mean(all.map(({ probability, label }) => Number(probability >= 0.5 === label))),
    logLoss: mean(
      all.map(({ probability, value }) => {
        const p = Math.min(Math.max(probability, NEAREST), 1 - NEAREST);
        return -value * Math.log(p) - (1 - value) * Math.log1p(-p);
      }),
    ),
    ece: bins.reduce((sum, { steps, probability = 0, value = 0 }) => sum + (steps / all.length) * Math.abs(value - probability), 0),
    bins,
    erroneous: { answers: wrong.length, ...(found === undefined ? {} : { found }) },
    faultless: { answers: right.length, ...(passed === undefined ? {} : { passed }) },
    ...(found === undefined || passed === undefined ? {} : { f1: found + passed === 0 ? 0 : (2 * found * passed) / (found + passed) }),
  };
}

function share(answers: readonly JudgedSteps[], is: (answer: JudgedSteps) => boolean): number | undefined {
  return answers.length === 0 ? undefined : answers.filter(is).length / answers.length;
}

function checkedSteps(who: string, { probabilities, values, labels }: JudgedSteps, answer: number) {
  for (const [argument, numbers] of Object.entries({ probabilities, values })) {
    if (numbers.length !== labels.length)
      throw new ShapeError({
        who,
        argument: `answers[${answer}].${argument}`,
        expected: `one per label (${labels.length})`,
        received: String(numbers.length),
      });
    for (const number of Array.from(numbers))
      if (!(number >= 0 && number <= 1))
        throw new NumericError({
          who,
          argument: `answers[${answer}].${argument}`,
          expected: "numbers from 0 to 1",
          received: String(number),
        });
  }
  return labels.map((label, step) => ({ label, probability: probabilities[step]!, value: values[step]! }));
}
