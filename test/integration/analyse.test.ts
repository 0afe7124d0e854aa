// `longcot analyse` on a real run: the logged measures come out of the rollouts again, and the replayed updates clip what the run's own did.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Analysis } from "@longcot/train/src/analyse/analysis.ts";
import { readTable } from "@longcot/train/src/run/data-table.ts";
import { readRecords } from "@longcot/train/src/run/records.ts";
import { expectClose } from "@longcot/vitest-config/close-to";
import { beforeAll, expect, test } from "vitest";
import { runLongcot, TINY_RECIPE } from "./longcot-process.ts";
import { scratchFolder } from "./scratch-folder.ts";

const scratch = scratchFolder();
const run = join(scratch, "run");
let analysis: Analysis;

beforeAll(async () => {
  const sets = ["checkpoint.keep=9", "stages.0.reuse=3", "optimizer.learning_rate=5e-3"].flatMap((set) => ["--set", set]);
  const trained = await runLongcot("train", "--recipe", TINY_RECIPE, "--run", run, "--json", ...sets);
  if (trained.code !== 0) throw new Error(`the run to analyse failed: ${trained.stderr}`);
  const rules = ["clip_high=0.28", "clip_high=0.01,clip_low=0.01", "kind=sequence,clip_low=0.01,clip_high=0.01"];
  const finished = await runLongcot("analyse", run, "--json", ...rules.flatMap((rule) => ["--what-if", rule]));
  if (finished.code !== 0) throw new Error(`longcot analyse failed: ${finished.stderr}`);
  analysis = JSON.parse(finished.stdout) as Analysis;
}, 300_000);

test("every measure that the run logged comes out of its rollouts again", () => {
  const { metrics } = readRecords(run);
  expect(analysis.measures.map((line) => line["training/global_step"])).toEqual(metrics.map((line) => line["training/global_step"]));
  let compared = 0;
  const notLogged: string[] = [];
  for (const [i, line] of analysis.measures.entries()) {
    for (const [name, value] of Object.entries(line)) {
      const logged = metrics[i]![name];
      if (logged === undefined) {
        notLogged.push(name);
        continue;
      }
      expectClose([value], [logged], { atol: 1e-9, rtol: 1e-9 }, `${name} of step ${i + 1}`);
      compared++;
    }
    const missing = Object.keys(metrics[i]!).filter((name) => /^(entropy|response)\//.test(name) && line[name] === undefined);
    expect(missing).toEqual([]);
  }
  expect(compared).toBeGreaterThan(6 * 15);
  expect(notLogged.filter((name) => !/^entropy\/(level|finish_reason|monte_carlo)\//.test(name))).toEqual([]);
});

test("the replay clips what the run clipped, exactly, and other rules more or less", () => {
  const { steps, rules, largestDeviation } = analysis.replay!;
  expect(steps.length).toBeGreaterThan(1);
  expect(largestDeviation).toBe(0);
  const [own, higher, narrow, sequence] = rules;
  expect(own!.rule).toBe("as trained (clip_low 0.2, clip_high 0.2)");
  expect(own!.fraction).toBeGreaterThan(0);
  expect(higher!.high).toBeLessThanOrEqual(own!.high);
  expect(higher!.low).toBe(own!.low);
  expect(narrow!.fraction).toBeGreaterThan(own!.fraction);
  expect(sequence!.fraction).not.toBe(narrow!.fraction);
});

test("the tables are on disk, as CSV and as Arrow", () => {
  for (const name of ["measures", "what-if"]) expect(existsSync(join(run, "analysis", `${name}.arrow`)), name).toBe(true);
  expect(readTable(join(run, "analysis", "measures.csv"), new Set())).toEqual(analysis.measures);
  const rows = readTable(join(run, "analysis", "what-if.csv"), new Set(["rule"]));
  // The first update of a step is on-policy: the ratios are 1 up to the rounding of two programs, nothing is clipped.
  for (const row of rows.filter((one) => one["update"] === 1 && one["rule"] === analysis.replay!.rules[0]!.rule))
    expect(row["fraction"]).toBe(0);
});

test("wrong input is one line", async () => {
  expect((await runLongcot("analyse", scratch)).stderr).toMatch(
    /^longcot analyse: .* expected a run's folder \(one that holds recipe\.yaml\)/,
  );
  expect((await runLongcot("analyse", run, "--what-if", "clip_hihg=0.3")).stderr).toMatch(
    /^longcot analyse: --what-if: expected key=value,… of kind, clip_low, clip_high, .*, got "clip_hihg=0.3"/,
  );
  expect((await runLongcot("analyse", run, "--what-if", "dual_clip=3,kind=sequence")).stderr).toContain(
    "dual_clip must be absent, since it has no effect with kind=sequence, got 3",
  );
});
