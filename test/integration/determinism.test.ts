// One seed gives one outcome; and of two processes on one run, the second keeps its hands off.
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import { runLongcot, startLongcot, TINY_RECIPE } from "./longcot-process.ts";
import type { Finished } from "./longcot-process.ts";
import { readOutcome } from "./run-outcome.ts";
import { scratchFolder } from "./scratch-folder.ts";

const { run: reference } = inject("reference");
const scratch = scratchFolder();
const train = (run: string, ...more: string[]) => ["train", "--recipe", TINY_RECIPE, "--run", run, "--json", ...more];

test("the same seed gives the same metrics, evaluations, samples and bytes, though another process knocks on the way", async () => {
  const run = join(scratch, "same");
  const knocks: Finished[] = [];
  const knock = async (child: ChildProcess): Promise<void> => {
    child.kill("SIGSTOP");
    knocks.push(await runLongcot("train", "--resume", "--run", run), await runLongcot(...train(run)));
    child.kill("SIGCONT");
  };
  const first = startLongcot(train(run), {
    onEvent: (event, child) => {
      if (event.type === "step" && event.step === 2) void knock(child);
    },
  });
  expect(await first.done).toMatchObject({ code: 0, stderr: "" });
  const [resuming, starting] = knocks;
  expect(resuming).toEqual({
    code: 1,
    signal: null,
    stdout: "",
    stderr: `longcot train: --run: expected a run that no other process is training, got ${run}. Stop that process first, or choose another folder\n`,
  });
  expect(starting).toMatchObject({
    code: 1,
    stderr: `longcot train: --run: expected a folder that does not exist yet, or is empty, got ${run}. Go on with that run by --resume, or choose another folder\n`,
  });
  expect(readOutcome(run)).toEqual(readOutcome(reference));
});

test("another seed gives other problems, answers and weights", async () => {
  const run = join(scratch, "other");
  expect(await runLongcot(...train(run, "--set", "seed=4"))).toMatchObject({ code: 0, stderr: "" });
  const [one, other] = [readOutcome(reference), readOutcome(run)];
  expect(other.metrics).not.toEqual(one.metrics);
  expect(other.samples).not.toBe(one.samples);
  expect(Object.keys(other.files)).toEqual(Object.keys(one.files));
  const same = Object.keys(one.files).filter((path) => other.files[path] === one.files[path]);
  expect(same.filter((path) => !/tokenizer|special_tokens_map|config\.json/.test(path))).toEqual([]);
});
