// The learning rate of each step: a warm-up, then constant, or down along a line or a cosine.

export const SCHEDULES = ["constant", "linear", "cosine"] as const;
export type Schedule = (typeof SCHEDULES)[number];

export interface LearningRateOptions {
  /** The rate after the warm-up. */
  readonly peak: number;
  readonly schedule: Schedule;
  /** Steps over which the rate grows linearly; step s of them has s / warmupSteps of the peak. */
  readonly warmupSteps: number;
  /** Steps in all. */
  readonly steps: number;
  /** What a line or a cosine ends at, as a share of the peak. Default 0. */
  readonly minRatio?: number;
}

/**
 * The learning rate of `step`, from 1: peak · min(1, step / warm-up), and behind the warm-up
 * peak · (m + (1 − m) · f(p)), with p = (step − 1 − warm-up) / (steps − warm-up), f(p) = 1 − p or (1 + cos πp) / 2, m the least ratio.
 * The last step therefore still learns.
 * Source: transformers, optimization.py, get_cosine_schedule_with_warmup at current_step = step − 1.
 */
export function learningRateAt(step: number, { peak, schedule, warmupSteps, steps, minRatio = 0 }: LearningRateOptions): number {
  if (step <= warmupSteps) return peak * (step / warmupSteps);
  if (schedule === "constant") return peak;
  const progress = Math.min(1, (step - 1 - warmupSteps) / Math.max(1, steps - warmupSteps));
  const decay = schedule === "linear" ? 1 - progress : 0.5 * (1 + Math.cos(Math.PI * progress));
  return peak * (minRatio + (1 - minRatio) * decay);
}
