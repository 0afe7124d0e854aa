// What alarms do to a run: stop it, or take it back to a checkpoint with another α, also when it is killed right then.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { readLog } from "@longcot/durable-files";
import type { Metrics, TrainEvent } from "@longcot/train/src/events.ts";
import { withoutTimings } from "@longcot/train/src/run/metrics-line.ts";
import { readRecords } from "@longcot/train/src/run/records.ts";
import { expect, test } from "vitest";
import { eventsOf, startLongcot, TINY_RECIPE } from "./longcot-process.ts";
import type { Finished, StartOptions } from "./longcot-process.ts";
import { scratchFolder } from "./scratch-folder.ts";

const scratch = scratchFolder();

/** A bonus that swamps the reward, at a learning rate where entropy rises within two steps, and an alarm that hears it. */
const EXPLODING = [
  "seed=5",
  "entropy={controller: constant, coefficient: 10}",
  "optimizer.learning_rate=1e-2",
  "alarms.window=1",
  "alarms.explosion.factor=1.05",
  "alarms.explosion.rise=0.01",
];

function train(run: string, sets: readonly string[], options?: StartOptions): Promise<Finished> {
  const how = existsSync(join(run, "recipe.yaml")) ? ["--resume"] : ["--recipe", TINY_RECIPE, ...sets.flatMap((set) => ["--set", set])];
  return startLongcot(["train", ...how, "--run", run, "--json"], options).done;
}

const warnings = (finished: Finished) =>
  eventsOf(finished).flatMap((event) => (event.type === "warning" && event.text.startsWith("entropy ") ? [event.text] : []));
const doneStatus = (finished: Finished) =>
  eventsOf(finished).findLast((event): event is Extract<TrainEvent, { type: "done" }> => event.type === "done")?.status;
const stepsOf = (run: string) => readRecords(run).metrics.map((line) => line["training/global_step"]);

test("stop: evaluated, saved, exit code 3, the evidence in the log", async () => {
  const run = join(scratch, "stop");
  const finished = await train(run, [...EXPLODING, "alarms.explosion.action=stop"]);
  expect(finished).toMatchObject({ code: 3, stderr: "" });
  expect(doneStatus(finished)).toBe("stopped");
  const { alarms, metrics, evaluations } = readRecords(run);
  expect(alarms).toMatchObject([{ kind: "explosion", action: "stop", step: metrics.length }]);
  expect(metrics.length).toBeLessThan(6);
  expect(evaluations.at(-1)).toMatchObject({ label: "final", step: metrics.length });
  expect(warnings(finished)).toEqual([`entropy explosion: ${alarms[0]!.evidence}; stopping here, as alarms asks`]);
  expect(alarms[0]!.evidence).toMatch(/^entropy rose from [\d.]+ nats \(first 1 steps\) to [\d.]+ nats/);
});

const ROLLING_BACK = [...EXPLODING, "alarms.explosion.action=roll_back", "alarms.explosion.lower_alpha=10", "alarms.max_roll_backs=1"];

test("roll back: the steps are done again with the other α, every step is logged once", async () => {
  const run = join(scratch, "roll-back");
  const finished = await train(run, ROLLING_BACK);
  const { alarms, metrics } = readRecords(run);
  expect(alarms[0]).toMatchObject({ kind: "explosion", action: "roll_back", alpha_shift: -10 });
  const { to_step: target, step: from } = alarms[0]!;
  expect(target).toBeLessThan(from);
  expect(stepsOf(run)).toEqual(metrics.map((_, i) => i + 1));
  const alphas = metrics.map((line) => line["actor/entropy_coeff_realized"]);
  expect(alphas.slice(0, target).every((alpha) => alpha === undefined || alpha === 10)).toBe(true);
  expect(alphas.slice(target).every((alpha) => alpha === undefined || alpha === 0)).toBe(true);
  expect(warnings(finished)[0]).toContain(`back to step ${target}, α lowered by 10 from there on`);
});

test("killed after a roll-back and resumed, it ends as if it had not been", async () => {
  const whole = join(scratch, "roll-back");
  const { to_step: target } = readRecords(whole).alarms[0]!;
  const run = join(scratch, "killed");
  let isBack = false;
  const killed = await train(run, ROLLING_BACK, {
    onEvent: (event, child) => {
      if (event.type === "warning" && event.text.includes("back to step")) isBack = true;
      if (isBack && event.type === "phase" && event.phase === "rollout") child.kill("SIGKILL");
    },
  });
  expect(killed.signal).toBe("SIGKILL");
  const resumed = await train(run, []);
  expect(eventsOf(resumed).find((event) => event.type === "run")).toMatchObject({ resumed_from: target });
  const outcome = (folder: string) => readLog<Metrics>(join(folder, "metrics.jsonl")).map(withoutTimings);
  expect(outcome(run)).toEqual(outcome(whole));
});

test("a roll-back that would change nothing is refused", async () => {
  const finished = await train(join(scratch, "refused"), ["alarms.collapse.action=roll_back"]);
  expect(finished.stderr).toContain(
    "alarms.collapse.raise_alpha must be given, since alarms.collapse.action roll_back would only repeat the same steps without it",
  );
  expect(finished.code).toBe(1);
});
