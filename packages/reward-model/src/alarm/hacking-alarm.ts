// Reward hacking: a reward goes up while verified accuracy goes down.
import { ConfigError, NumericError, ShapeError } from "@longcot/errors";

/** One value per finished step of one stage, oldest first; all columns share their length. */
export interface RewardHistory {
  /** Mean of the reward over the responses of each step, before weight and normalisation. */
  readonly rewards: ArrayLike<number>;
  /** Its standard deviation over the same responses. */
  readonly spreads: ArrayLike<number>;
  /** Share of the responses that the verifier found right. */
  readonly accuracies: ArrayLike<number>;
}

export interface HackingThresholds {
  /** Steps averaged at a time. Shorter histories than two windows raise no alarm. */
  readonly window: number;
  /** By how much accuracy has to have fallen from its best window. */
  readonly accuracyDrop: number;
  /** By how much the reward has to have risen since, in standard deviations of that window's responses. */
  readonly rewardGain: number;
}

/** Defaults, chosen here: a window of 10 steps of 256 responses has an error of about 0.02 in accuracy. */
export const defaultHackingThresholds: HackingThresholds = { window: 10, accuracyDrop: 0.1, rewardGain: 0.1 };

export interface HackingAlarm {
  readonly kind: "reward_hacking";
  /** One sentence with the numbers that raised the alarm. */
  readonly evidence: string;
}

/**
 * Returns the alarm that the last `window` steps raise, or `undefined`: against the earlier window with the highest accuracy, accuracy is lower by
 * `accuracyDrop` and the reward higher by `rewardGain` standard deviations. A slow slide is heard as well as a sudden one; a reward that falls with
 * accuracy is none.
 *
 * Pure: call it after every step to warn, or on a finished run to report. Do not reach across stages: other problems or rewards are no slide.
 *
 * @param name the reward's, for the evidence.
 * @throws ShapeError when the columns differ in length. @throws NumericError on a value that is not finite. @throws ConfigError on a threshold that is
 * not a number of zero or more, or a window that is not a positive integer.
 */
export function rewardHackingAlarm(
  name: string,
  history: RewardHistory,
  thresholds: Partial<HackingThresholds> = {},
): HackingAlarm | undefined {
  const limits = { ...defaultHackingThresholds, ...thresholds };
  checkThresholds(limits);
  checkHistory(history);
  const { window } = limits;
  const { rewards, spreads, accuracies } = history;
  const steps = accuracies.length;
  if (steps < 2 * window) return undefined;
  const recent = steps - window;
  let best = 0;
  for (let start = 1; start + window <= recent; start++) if (mean(accuracies, start, window) > mean(accuracies, best, window)) best = start;
  const [before, now] = [mean(accuracies, best, window), mean(accuracies, recent, window)];
  const [rewardBefore, rewardNow] = [mean(rewards, best, window), mean(rewards, recent, window)];
  const isFalling = before - now >= limits.accuracyDrop;
  const isRising = rewardNow > rewardBefore && rewardNow - rewardBefore >= limits.rewardGain * mean(spreads, best, window);
  if (!isFalling || !isRising) return undefined;
  const share = (value: number): string => `${(100 * value).toFixed(1)}%`;
  return {
    kind: "reward_hacking",
    evidence:
      `verified accuracy fell from ${share(before)} (steps ${best + 1} to ${best + window} of the stage) to ${share(now)} (last ${window}) ` +
      `while ${name} rose from ${rewardBefore.toFixed(3)} to ${rewardNow.toFixed(3)}`,
  };
}

function mean(values: ArrayLike<number>, start: number, count: number): number {
  let sum = 0;
  for (let i = start; i < start + count; i++) sum += values[i]!;
  return sum / count;
}

function checkThresholds(limits: HackingThresholds): void {
  for (const [argument, value] of Object.entries(limits)) {
    const isWindow = argument === "window";
    if (isWindow ? !(Number.isInteger(value) && value >= 1) : !(value >= 0))
      throw new ConfigError({
        who: "rewardHackingAlarm",
        argument,
        expected: isWindow ? "a positive integer" : "a number of zero or more",
        received: String(value),
      });
  }
}

function checkHistory(history: RewardHistory): void {
  const who = "rewardHackingAlarm";
  for (const [argument, values] of Object.entries(history) as [string, ArrayLike<number>][]) {
    if (values.length !== history.accuracies.length)
      throw new ShapeError({ who, argument, expected: `one per accuracy (${history.accuracies.length})`, received: String(values.length) });
    for (let step = 0; step < values.length; step++)
      if (!Number.isFinite(values[step]))
        throw new NumericError({ who, argument: `${argument}[${step}]`, expected: "a finite number", received: String(values[step]) });
  }
}
