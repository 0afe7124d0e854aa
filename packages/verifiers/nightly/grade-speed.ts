// Speed of the math grader on one core: `pnpm speed` in this package. Grades the plain fixture rows again and again for three seconds, after
// one to warm up.
import { readFileSync } from "node:fs";
import { gradeMath } from "../src/math/grade-math.ts";

const rows = readFileSync(new URL("../fixtures/math-plain.jsonl", import.meta.url), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as { gold: string; prediction: string });

function gradeFor(ms: number): { perSecond: number; slowestMs: number } {
  const start = process.cpuUsage();
  const spent = (): number => (process.cpuUsage(start).user + process.cpuUsage(start).system) / 1_000;
  let graded = 0;
  let slowestMs = 0;
  while (spent() < ms) {
    for (const { gold, prediction } of rows) {
      const before = performance.now();
      gradeMath({ response: prediction, groundTruth: gold });
      slowestMs = Math.max(slowestMs, performance.now() - before);
    }
    graded += rows.length;
  }
  return { perSecond: (graded / spent()) * 1_000, slowestMs };
}

gradeFor(1_000);
const { perSecond, slowestMs } = gradeFor(3_000);
console.log(
  `${Math.round(perSecond)} cases per second of processor time, slowest ${slowestMs.toFixed(1)} ms (${rows.length} different cases)`,
);
