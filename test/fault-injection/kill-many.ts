// Kills runs of tiny.yaml at random again and again, and compares what each leaves at its end with a run that nobody killed: rows, metrics,
// evaluations, samples, weights. Half of the kills fall before or after a rename of a file into its place.
//   pnpm --dir test kill-many --kills 200 --seed 1
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual, parseArgs } from "node:util";
import { go, killOnce } from "../integration/random-kills.ts";
import { readOutcome } from "../integration/run-outcome.ts";

/** Kills of one run, before it may come to its end. */
const KILLS_A_RUN = 10;

const { values } = parseArgs({ options: { kills: { type: "string", default: "200" }, seed: { type: "string", default: "1" } } });
const [kills, seed] = [Number(values.kills), Number(values.seed)];
const folder = mkdtempSync(join(tmpdir(), "longcot-kills-"));
const started = performance.now();

console.log("the run that nobody kills");
const unbroken = await go(join(folder, "unbroken"));
if (unbroken.code !== 0) throw new Error(unbroken.stderr);
const expected = readOutcome(join(folder, "unbroken"));

let [done, missed] = [0, 0];
const wrong: string[] = [];
for (let runNumber = 1; done < kills; runNumber++) {
  const run = join(folder, `run-${runNumber}`);
  const plans: string[] = [];
  for (let i = 0; i < KILLS_A_RUN && done < kills; i++) {
    const { plan, end } = await killOnce(run, unbroken, { seed, kill: done + missed });
    plans.push(plan);
    if (end.signal === "SIGKILL") done++;
    else missed++;
    if (end.signal !== "SIGKILL" && end.code !== 0) throw new Error(`after ${plans.join("; ")}: ${end.stderr}`);
    if (end.code === 0) break; // It came to its end before the moment did.
  }
  const last = await go(run);
  if (last.code !== 0) throw new Error(`after ${plans.join("; ")}: ${last.stderr}`);
  const isSame = isDeepStrictEqual(readOutcome(run), expected);
  if (!isSame) wrong.push(`run ${runNumber}: ${plans.join("; ")}`);
  const seconds = (performance.now() - started) / 1000;
  const left = Math.round((seconds / done) * (kills - done));
  console.log(
    `run ${runNumber}: ${isSame ? "same rows and metrics" : "DIFFERENT"} after ${plans.join("; ")}. ${done} of ${kills} kills, ${left} s left`,
  );
  if (isSame) rmSync(run, { recursive: true });
}
console.log(
  `${done} kills, ${missed} missed, ${wrong.length} runs that ended differently${wrong.length > 0 ? `; they are in ${folder}` : ""}`,
);
if (wrong.length === 0) rmSync(folder, { recursive: true });
process.exitCode = wrong.length === 0 ? 0 : 1;
