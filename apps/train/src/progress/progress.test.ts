import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import stringWidth from "string-width";
import { expect, test } from "vitest";
import { syntheticEvaluation, syntheticMetrics } from "../../fixtures/synthetic-run.ts";
import type { TrainEvent } from "../events.ts";
import { createProgress } from "./create-progress.ts";
import { bar, compactCount, duration, sparkline } from "./figures.ts";
import { renderPanel } from "./panel.ts";
import { emptyState, foldEvent, secondsLeft } from "./progress-state.ts";

const step = (n: number): TrainEvent => ({ type: "step", step: n, total_steps: 40, stage: "short", metrics: syntheticMetrics(n, 20) });
const runEvent: TrainEvent = {
  type: "run",
  recipe: "quickstart",
  folder: "runs/q",
  engine: "tensorflow 2.21.0",
  device: "cpu, 2 threads",
  parameters: 617_856,
  resumed_from: 0,
};
const stage: TrainEvent = { type: "stage", index: 1, count: 2, name: "short", steps: 20, prompts: 8192 };

test("figures", () => {
  expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8)).toBe("▁▂▃▄▅▆▇█");
  expect(sparkline([9, 0, 7], 2)).toBe("▁█");
  expect(sparkline([3, 3], 8)).toBe("▁▁");
  expect(bar(0.5, 4)).toBe("██░░");
  expect([7, 725, 10_931].map(duration)).toEqual(["0:07", "12:05", "3:02:11"]);
  expect([842, 5300, 12_345, 617_856, 7_600_000_000].map(compactCount)).toEqual(["842", "5300", "12.3 k", "0.62 M", "7.60 B"]);
});

test("the ETA is the pace of the last steps times the steps left", () => {
  const state = emptyState();
  foldEvent(state, stage, 100);
  expect(secondsLeft(state)).toBeUndefined();
  foldEvent(state, step(1), 103);
  foldEvent(state, step(2), 104);
  expect(secondsLeft(state)).toBe(2 * 38);
});

test.each([80, 60])("the panel says everything within %i columns", (columns) => {
  const state = emptyState();
  foldEvent(state, runEvent, 0);
  foldEvent(state, stage, 0);
  for (let n = 1; n <= 15; n++) foldEvent(state, step(n), n);
  foldEvent(state, { type: "phase", phase: "old_log_prob", completed: 45, total: 256, unit: "responses" }, 15);
  const lines = renderPanel(state, 18, columns);
  for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(columns);
  const shown = stripVTControlCharacters(lines.join("\n"));
  expect(shown).toMatch(
    /quickstart {3}stage 1\/2 short[\s\S]*step 15\/40 {2}38% {3}ETA 0:25[\s\S]*reward[\s\S]*entropy[\s\S]*length[\s\S]*α[\s\S]*speed[\s\S]*old log prob 45\/256 responses {2}0:03/,
  );
});

test("a log gets a line a step, and a line of a long phase every five seconds", () => {
  const stream = new PassThrough();
  let now = 0;
  const progress = createProgress("lines", stream as unknown as NodeJS.WriteStream, () => now);
  progress.emit(runEvent);
  for (now = 1; now <= 12; now++)
    progress.emit({ type: "phase", phase: "cold_start", completed: now, total: 12, unit: "steps", metrics: { loss: 1 / now } });
  progress.emit({ type: "evaluation", ...syntheticEvaluation("cold start", 0, 0) });
  progress.emit(stage);
  progress.emit(step(1));
  progress.emit({ type: "warning", text: "careful" });
  progress.close();
  const lines = String(stream.read()).trimEnd().split("\n");
  expect(lines.map((line) => line.split(/ {2}(?=\S)|:/)[0])).toEqual([
    "longcot train quickstart",
    "cold start 5/12 steps",
    "cold start 10/12 steps",
    "cold start 12/12 steps",
    "evaluation",
    "",
    "",
    "",
    "",
    "stage 1/2",
    "step",
    "warning",
  ]);
  expect(lines[10]).toMatch(/^step {2}1\/40 short {2}reward 0\.\d{3} {2}entropy 0\.\d{3} {2}length .* ETA 0:00$/);
  expect(lines[5]).toBe("  1      avg@8  94.0% [88.0%, 100.0%]  pass@8 100.0%  64 prompts");
});

test("the panel leaves what is permanent above itself and stops its timer", () => {
  const stream = Object.assign(new PassThrough(), { columns: 80, rows: 24, isTTY: true });
  const progress = createProgress("panel", stream as unknown as NodeJS.WriteStream);
  for (const event of [runEvent, stage, step(1)]) progress.emit(event);
  progress.emit({ type: "done", status: "completed", folder: "runs/q", report: "runs/q/report/index.html" });
  progress.close();
  const shown = stripVTControlCharacters(String(stream.read()));
  expect(shown).toMatch(
    /longcot train quickstart: 0\.62 M parameters[\s\S]*stage 1\/2: short, 20 steps on 8192 prompts[\s\S]*step 1\/40[\s\S]*done\nreport: runs\/q\/report\/index\.html\n$/,
  );
});
