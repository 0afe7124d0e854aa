// Alarms on the history of a run: entropy collapse and entropy explosion, each with its evidence in words.
import { ConfigError, NumericError, ShapeError } from "@longcot/errors";

/** One value per finished step, oldest first; both columns share their length. */
export interface EntropyHistory {
  /** Measured entropy of each step, in nats. */
  readonly entropies: ArrayLike<number>;
  /** Mean reward of each step, before rejection. */
  readonly rewards: ArrayLike<number>;
}

/** Thresholds; a history's reference is its first `window` steps, `recent` its last `window`, `earlier` the window before that. */
export interface EntropyAlarmThresholds {
  /** Steps averaged in each window. Shorter histories than two windows raise no alarm. */
  readonly window: number;
  /** Collapse needs recent entropy ≤ this fraction of the reference. */
  readonly collapseFraction: number;
  /** Collapse needs a reward that rose by less than this from `earlier` to `recent`: entropy spent for nothing. */
  readonly flatRewardGain: number;
  /** A recent reward of at least this is a solved task, whose entropy may vanish: no collapse. */
  readonly solvedReward: number;
  /** Explosion needs recent entropy ≥ this multiple of the reference, and still rising. */
  readonly explosionFactor: number;
  /** Explosion also needs a rise of at least this over the reference, in nats, so that noise around 0 does not count. */
  readonly explosionRiseNats: number;
}

/** Defaults, chosen here: the paper shows collapse and explosion in curves and gives no numbers. */
export const defaultAlarmThresholds: EntropyAlarmThresholds = {
  window: 10,
  collapseFraction: 0.2,
  flatRewardGain: 0.02,
  solvedReward: 0.95,
  explosionFactor: 2,
  explosionRiseNats: 0.3,
};

export interface EntropyAlarm {
  readonly kind: "collapse" | "explosion";
  /** One sentence with the numbers that raised the alarm. */
  readonly evidence: string;
}

/**
 * Returns the alarm that the last steps of `history` raise, or `undefined`.
 * - collapse: recent entropy at most `collapseFraction` of the reference and not above the earlier window's, while the
 *   reward is flat and the task not solved.
 * - explosion: recent entropy at least `explosionFactor` times the reference, `explosionRiseNats` above it, and above
 *   the earlier window's, whatever the reward does.
 *
 * Pure: call it after every step to warn, or on a finished run to report.
 *
 * @throws ShapeError when the columns differ in length. @throws NumericError on a value that is not finite.
 * @throws ConfigError on a threshold that is not a number of zero or more, or a window that is not a positive integer.
 */
export function entropyAlarm(history: EntropyHistory, thresholds: Partial<EntropyAlarmThresholds> = {}): EntropyAlarm | undefined {
  const limits = { ...defaultAlarmThresholds, ...thresholds };
  checkThresholds(limits);
  checkHistory(history);
  const { window } = limits;
  const steps = history.entropies.length;
  if (steps < 2 * window) return undefined;

  const reference = mean(history.entropies, 0, window);
  const earlier = mean(history.entropies, steps - 2 * window, steps - window);
  const recent = mean(history.entropies, steps - window, steps);
  const reward = mean(history.rewards, steps - window, steps);
  const gain = reward - mean(history.rewards, steps - 2 * window, steps - window);

  const low = recent <= limits.collapseFraction * reference && recent <= earlier;
  if (low && gain < limits.flatRewardGain && reward < limits.solvedReward) {
    return {
      kind: "collapse",
      evidence:
        `entropy fell from ${nats(reference)} (first ${window} steps) to ${nats(recent)} (last ${window}), at most ${limits.collapseFraction} of it, ` +
        `while the reward changed by ${signed(gain)} to ${reward.toFixed(3)} over the last ${window} steps`,
    };
  }
  const high = recent >= limits.explosionFactor * reference && recent - reference >= limits.explosionRiseNats;
  if (high && recent > earlier) {
    return {
      kind: "explosion",
      evidence:
        `entropy rose from ${nats(reference)} (first ${window} steps) to ${nats(recent)} (last ${window}), at least ${limits.explosionFactor} times it, ` +
        `and is rising; the reward changed by ${signed(gain)} to ${reward.toFixed(3)} over the last ${window} steps`,
    };
  }
  return undefined;
}

const nats = (value: number) => `${value.toPrecision(3)} nats`;
const signed = (value: number) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;

function mean(values: ArrayLike<number>, start: number, end: number): number {
  let sum = 0;
  for (let i = start; i < end; i++) sum += values[i]!;
  return sum / (end - start);
}

function checkThresholds(limits: EntropyAlarmThresholds): void {
  for (const [name, value] of Object.entries(limits)) {
    const fits = name === "window" ? Number.isInteger(value) && value >= 1 : value >= 0;
    const expected = name === "window" ? "a positive integer" : "a number of zero or more";
    if (!fits)
      throw new ConfigError({
        who: "entropyAlarm",
        argument: name,
        expected,
        received: String(value),
      });
  }
}

function checkHistory({ entropies, rewards }: EntropyHistory): void {
  const who = "entropyAlarm";
  if (entropies.length !== rewards.length) {
    throw new ShapeError({
      who,
      argument: "rewards",
      expected: `one per entropy (${entropies.length})`,
      received: `${rewards.length}`,
    });
  }
  for (const [name, values] of Object.entries({ entropies, rewards })) {
    for (let step = 0; step < values.length; step++) {
      if (!Number.isFinite(values[step])) {
        throw new NumericError({
          who,
          argument: `${name}[${step}]`,
          expected: "a finite number",
          received: String(values[step]),
        });
      }
    }
  }
}
