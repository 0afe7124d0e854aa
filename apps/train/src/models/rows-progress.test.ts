import { afterEach, expect, test, vi } from "vitest";
import { createRowsProgress } from "./rows-progress.ts";

afterEach(() => vi.useRealTimers());

test("the time left is by what was done since the phase began, not by what a resumed run found done", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  const lines: string[] = [];
  const stream = { isTTY: false, write: (line: string) => lines.push(line) } as unknown as NodeJS.WriteStream;
  const progress = createRowsProgress("train", stream);
  progress.update({ done: 800, total: 1_000, text: "step 800", phase: "steps" });
  vi.advanceTimersByTime(10_000);
  progress.update({ done: 810, total: 1_000, text: "step 810", phase: "steps" });
  vi.advanceTimersByTime(10_000);
  progress.update({ done: 1, total: 50, text: "answer 1", phase: "evaluation" });
  vi.advanceTimersByTime(10_000);
  progress.update({ done: 830, total: 1_000, text: "step 830", phase: "steps" });
  vi.advanceTimersByTime(10_000);
  progress.update({ done: 840, total: 1_000, text: "step 840", phase: "steps" });
  expect(lines).toEqual([
    "train: step 810, about 3:10 left\n",
    "train: answer 1\n",
    "train: step 830\n",
    "train: step 840, about 2:40 left\n",
  ]);
});

test("without phases all of it counts", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  const lines: string[] = [];
  const progress = createRowsProgress("score", {
    isTTY: false,
    write: (line: string) => lines.push(line),
  } as unknown as NodeJS.WriteStream);
  vi.advanceTimersByTime(20_000);
  progress.update({ done: 10, total: 40, text: "10 of 40" });
  expect(lines).toEqual(["score: 10 of 40, about 1:00 left\n"]);
});
