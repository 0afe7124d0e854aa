// Fuzzes the math grader: `pnpm fuzz [runs] [seed]` in this package. Random and mutated LaTeX (100,000 inputs by default), then every
// hostile answer. Fails on a throw, on an input that takes more than 250 ms of processor time, and on more than 256 MB of memory.
import fc from "fast-check";
import { GOLDS, HOSTILE, responsesWith } from "../fixtures/hostile-math.ts";
import { latexSoup, mutatedLatex } from "../fixtures/latex-arbitraries.ts";
import { gradeMath } from "../src/math/grade-math.ts";

const MAX_MS = 250;
const MAX_MB = 256;

const runs = Number(process.argv[2] ?? 100_000);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
const slowest: { ms: number; what: string }[] = [];

function grade(response: string, groundTruth: string, what: string): void {
  const before = process.cpuUsage();
  const { score, outcome } = gradeMath({ response, groundTruth });
  const spent = process.cpuUsage(before);
  if ((score === 1) !== (outcome === "correct")) throw new Error(`score ${score} with outcome ${outcome}: ${what}`);
  const ms = (spent.user + spent.system) / 1_000;
  if (slowest.length < 10 || ms > slowest.at(-1)!.ms) {
    slowest.push({ ms, what: what.slice(0, 160) });
    slowest.sort((a, b) => b.ms - a.ms);
    slowest.length = Math.min(slowest.length, 10);
  }
}

console.log(`seed ${seed}, ${runs} inputs`);
let done = 0;
const started = Date.now();
const progress = (): void => {
  if (++done % 10_000 === 0)
    console.log(`${done} of ${runs}, ${Math.round(((Date.now() - started) / done) * ((runs - done) / 1_000))} s left`);
};
const half = Math.ceil(runs / 2);
fc.assert(
  fc.property(latexSoup, latexSoup, (a, b) => {
    grade(`\\boxed{${a}}`, b, `${JSON.stringify(a)} against ${JSON.stringify(b)}`);
    progress();
  }),
  { seed, numRuns: half },
);
fc.assert(
  fc.property(mutatedLatex, mutatedLatex, (a, b) => {
    grade(`\\boxed{${a}}`, b, `${a} against ${b}`);
    progress();
  }),
  { seed, numRuns: runs - half },
);
for (const [name, text] of Object.entries(HOSTILE)) {
  for (const response of responsesWith(text))
    for (const gold of [...GOLDS, text]) grade(response, gold, `${name} against ${gold.slice(0, 40)}`);
}

const megabytes = process.resourceUsage().maxRSS / 1_024;
console.log("slowest, ms of processor time:");
for (const { ms, what } of slowest) console.log(`  ${ms.toFixed(0)}  ${what}`);
console.log(`peak memory ${megabytes.toFixed(0)} MB`);
if (slowest[0]!.ms > MAX_MS || megabytes > MAX_MB) {
  console.error(`over the bounds of ${MAX_MS} ms and ${MAX_MB} MB`);
  process.exitCode = 1;
}
