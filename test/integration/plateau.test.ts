// A stage that ends on a plateau: the next one begins there, and a run stopped around that moment comes out as one that was not.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { readLog } from "@longcot/durable-files";
import type { EvaluationRecord } from "@longcot/train/src/run/records.ts";
import { expect, test } from "vitest";
import { eventsOf } from "./longcot-process.ts";
import { go } from "./random-kills.ts";
import { readOutcome } from "./run-outcome.ts";
import { scratchFolder } from "./scratch-folder.ts";
import type { StopAt } from "./stop-at-moment.ts";

const scratch = scratchFolder();

// A gain that no evaluation reaches: the first stage ends at its first evaluation after the one at its start.
const sets = ["evaluation.every=1", "stages.0.steps=6", "stages.0.plateau={evaluations: 1, min_gain: 0.99}", "stages.1.steps=5"];
const train = (run: string, stopAt?: StopAt) =>
  go(run, stopAt === undefined ? {} : { stopAt }, existsSync(join(run, "recipe.yaml")) ? [] : sets.flatMap((set) => ["--set", set]));

test("the next stage begins early, and resumed equals uninterrupted", async () => {
  const whole = join(scratch, "whole");
  const finished = await train(whole);
  expect(finished.stderr).toBe("");
  const events = eventsOf(finished);
  expect(events.flatMap((event) => (event.type === "step" ? [event.stage] : []))).toEqual([
    "short",
    "long",
    "long",
    "long",
    "long",
    "long",
  ]);
  expect(events.flatMap((event) => (event.type === "notice" && event.text.includes("ends after") ? [event.text] : []))).toEqual([
    "stage short ends after 1 of 6 steps: its last evaluation brought no new best",
  ]);
  expect(readLog<EvaluationRecord>(join(whole, "evaluations.jsonl")).map(({ label }) => label)).toEqual([
    "cold start",
    "step 1",
    "step 2",
    "step 3",
    "step 4",
    "step 5",
    "final",
  ]);

  const stopped = join(scratch, "stopped");
  await train(stopped, { moment: [1, "evaluation", 0], signal: "SIGINT" });
  await train(stopped, { moment: [1, "rollout", 0], signal: "SIGKILL" });
  expect(await train(stopped)).toMatchObject({ code: 0, stderr: "" });
  expect(readOutcome(stopped)).toEqual(readOutcome(whole));
});
