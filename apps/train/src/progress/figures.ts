// Small figures for terminals: sparklines, bars, durations, counts.
import type { TrainEvent } from "../events.ts";

const BLOCKS = "▁▂▃▄▅▆▇█";

/** The last `width` values as blocks between their own minimum and maximum; a constant series is a low line. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = values.slice(-width);
  const low = Math.min(...shown);
  const span = Math.max(...shown) - low;
  return shown.map((value) => BLOCKS[span === 0 ? 0 : Math.round(((value - low) / span) * (BLOCKS.length - 1))]).join("");
}

/** `██████░░░░` for a share in [0, 1]. */
export function bar(share: number, width: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return "█".repeat(full) + "░".repeat(width - full);
}

/** `0:07`, `12:05`, `3:02:11`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((part, i) => (i === 0 ? String(part) : String(part).padStart(2, "0"))).join(":");
}

/** `842`, `12.3 k`, `3.5 M`, `7.6 B`. */
export function compactCount(count: number): string {
  for (const [unit, size] of [
    ["B", 1e9],
    ["M", 1e6],
    ["k", 1e3],
  ] as const) {
    if (count >= 10 * size || (unit !== "k" && count >= size / 2))
      return `${(count / size).toFixed(count >= 100 * size ? 0 : count >= 10 * size ? 1 : 2)} ${unit}`;
  }
  return String(Math.round(count));
}

/** `52.3%` for 0.523. */
export function percent(share: number, digits = 1): string {
  return `${(100 * share).toFixed(digits)}%`;
}

/** `+3.5` or `−3.5`: percentage points, for a difference of shares. */
export function signedPoints(difference: number): string {
  return `${difference < 0 ? "−" : "+"}${Math.abs(100 * difference).toFixed(1)}`;
}

/** The lines of an evaluation: one a level, with 95% intervals. */
export function evaluationLines(event: Extract<TrainEvent, { type: "evaluation" }>): string[] {
  const k = event.samples_per_prompt;
  const width = Math.max(5, ...event.results.map((result) => result.level.length));
  return [
    `evaluation: ${event.label} (step ${event.step})`,
    ...event.results.map(
      (r) =>
        `  ${r.level.padEnd(width)}  avg@${k} ${percent(r.avg_at_k).padStart(6)} [${percent(r.avg_at_k_low)}, ${percent(r.avg_at_k_high)}]  pass@${k} ${percent(r.pass_at_k).padStart(6)}  ${r.prompts} prompts`,
    ),
  ];
}
