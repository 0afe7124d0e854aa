// Whatever ends a run at whatever moment, `--resume` goes on as if nothing had happened. Each test stops one run again and again, each time
// somewhere else, and compares what is there at its end with a run that nobody stopped.
import { cpSync } from "node:fs";
import { join } from "node:path";
import { findCheckpoint } from "@longcot/train/src/run/checkpoints.ts";
import { listRolloutSteps } from "@longcot/train/src/run/rollout-store.ts";
import { expect, inject, test } from "vitest";
import { eventsOf, runLongcot } from "./longcot-process.ts";
import type { Finished } from "./longcot-process.ts";
import { momentsOf } from "./moment.ts";
import type { Moment } from "./moment.ts";
import { go, killOnce } from "./random-kills.ts";
import { hashFiles, readOutcome } from "./run-outcome.ts";
import { scratchFolder } from "./scratch-folder.ts";

const { run: reference, finished: referenceEnd } = inject("reference");
const scratch = scratchFolder();

const resumedFrom = (finished: Finished): number | undefined => eventsOf(finished).find((event) => event.type === "run")?.resumed_from;
/** Steps that a process sampled, and those whose stored responses it used. */
function sampledAndUsed(finished: Finished): { sampled: number[]; used: number[] } {
  const momentOf = momentsOf();
  const events = eventsOf(finished);
  const rollouts = events.flatMap((event) => {
    const [stepsDone, phase] = momentOf(event) ?? [];
    return phase === "rollout" ? [stepsDone! + 1] : [];
  });
  const notices = events.flatMap((event) =>
    event.type === "notice" ? (/^step (\d+): using the 16 responses/.exec(event.text)?.[1] ?? []) : [],
  );
  return { sampled: [...new Set(rollouts)], used: notices.map(Number) };
}

test("kill -9 in every phase", async () => {
  const run = join(scratch, "phases");
  // Checkpoints come after the cold start and after steps 2, 4 and 6; evaluations after 0, 3 and 6; step 5 learns nothing.
  const stops: [moment: Moment, resumedFrom: number][] = [
    [[0, "cold_start", 60], 0],
    [[0, "evaluation", 0], 0],
    [[0, "checkpoint", 0], 0],
    [[0, "rollout", 0], 0],
    [[1, "reward", 0], 0],
    [[2, "old_log_prob", 12], 0],
    [[3, "evaluation", 0], 2],
    [[3, "update", 0], 2],
    [[4, "checkpoint", 0], 2],
    [[5, "update", 0], 2],
    [[6, "checkpoint", 0], 4],
  ];
  for (const [moment, from] of stops) {
    const stored = listRolloutSteps(run).filter((step) => step > from);
    const killed = await go(run, { stopAt: { moment, signal: "SIGKILL" } });
    // What was generated is used, in its turn, and nothing of it is generated again.
    const { sampled, used } = sampledAndUsed(killed);
    expect({ moment, used }).toEqual({ moment, used: stored });
    expect(sampled.filter((step) => stored.includes(step))).toEqual([]);
    expect({ moment, signal: killed.signal, stderr: killed.stderr }).toEqual({ moment, signal: "SIGKILL", stderr: "" });
    expect(resumedFrom(killed), `the process that was killed at ${moment.join()}`).toBe(from);
  }
  expect(await go(run)).toMatchObject({ code: 0, stderr: "" });
  expect(readOutcome(run)).toEqual(readOutcome(reference));
});

test("kill -9 at random moments", async () => {
  const run = join(scratch, "random");
  const STOPS = 6;
  let kills = 0;
  for (let kill = 0; kill < STOPS; kill++) {
    // Each event in its own part of the run, so that every one lies ahead of the last checkpoint.
    const { end } = await killOnce(run, referenceEnd, { seed: 2026, kill, from: kill / STOPS, to: (kill + 1) / STOPS });
    // A late signal may let a checkpoint pass, so that a later moment never comes again.
    expect([9, 0], end.stderr).toContain(end.signal === "SIGKILL" ? 9 : end.code);
    if (end.signal === "SIGKILL") kills++;
  }
  expect(kills).toBeGreaterThan(0);
  expect(await go(run)).toMatchObject({ code: 0, stderr: "" });
  expect(readOutcome(run)).toEqual(readOutcome(reference));
});

test("Ctrl-C saves and exits 130, wherever it comes", async () => {
  const run = join(scratch, "interrupted");
  const stops: Moment[] = [
    [0, "cold_start", 60],
    [0, "evaluation", 0],
    [2, "rollout", 0],
    [2, "update", 0],
    [4, "reward", 0],
    [6, "evaluation", 0],
  ];
  for (const moment of stops) {
    const stopped = await go(run, { stopAt: { moment, signal: "SIGINT" } });
    expect({ moment, code: stopped.code, stderr: stopped.stderr }).toEqual({ moment, code: 130, stderr: "" });
    expect(eventsOf(stopped).at(-1)).toMatchObject({
      type: "done",
      status: "interrupted",
      folder: run,
      report: join(run, "report", "index.html"),
    });
    const [stepsDone, phase] = moment;
    const { checkpoint } = findCheckpoint(join(run, "checkpoints"));
    // What was done is saved, up to the cold start's end; an update is brought to its end first, an answer that is being written or graded is not.
    expect(checkpoint?.step, `the checkpoint of ${moment.join()}`).toBe(
      phase === "cold_start" ? undefined : phase === "update" ? stepsDone + 1 : stepsDone,
    );
  }
  expect(await go(run)).toMatchObject({ code: 0, stderr: "" });
  expect(readOutcome(run)).toEqual(readOutcome(reference));
});

test("a finished run has nothing left to do, and no file of it changes", async () => {
  const run = join(scratch, "finished");
  cpSync(reference, run, { recursive: true });
  const before = hashFiles(run);
  const { code, stdout, stderr } = await runLongcot("train", "--resume", "--run", run);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain("note: nothing left to do: all 6 steps of this run are done\n");
  expect(hashFiles(run)).toEqual(before);
});
