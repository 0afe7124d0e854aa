// Looks for answers on which the math grader and math-verify disagree, and prints them: `pnpm disagreements` in this package. Slow: math-verify
// judges 10 to 30 pairs a second.
//   --python PATH    a Python with math-verify (default: LONGCOT_PYTHON, else python3)
//   --count N        made-up pairs, formulas and respellings or changes of them (default: 300); --seed S (default: 1)
//   --input FILE     JSON lines {"response", "ground_truth"} of your own instead of all that
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import fc from "fast-check";
import { choices, formula, joinTokens, picker, renderFormula } from "../fixtures/latex-arbitraries.ts";
import type { Formula } from "../fixtures/latex-arbitraries.ts";
import { gradeMath } from "../src/math/grade-math.ts";

interface Pair {
  gold: string;
  prediction: string;
  /** What is right, where that is known. */
  expected?: boolean;
}
interface Judgement {
  equal: boolean | null;
  error?: string;
}

const ORACLE = fileURLToPath(new URL("math_verify_oracle.py", import.meta.url));
const PROGRESS_EVERY = 50;

const { values } = parseArgs({
  options: {
    python: { type: "string", default: process.env["LONGCOT_PYTHON"] ?? "python3" },
    count: { type: "string", default: "300" },
    seed: { type: "string", default: "1" },
    input: { type: "string" },
  },
});

const pairs = values.input === undefined ? [...fixtures(), ...madeUp(Number(values.count), Number(values.seed))] : ownPairs(values.input);

const oracle = spawn(values.python, [ORACLE], { stdio: ["pipe", "pipe", "pipe"] });
const complaint = text(oracle.stderr);
oracle.stdin.on("error", () => {});
const started = await Promise.race([once(oracle, "spawn"), once(oracle, "error").then(([error]) => fail(String(error)))]);
if (started === undefined) fail("it does not start");
const answers = createInterface({ input: oracle.stdout })[Symbol.asyncIterator]();
const answer = async <T>(): Promise<T> => {
  const { value, done } = await answers.next();
  return done === true ? fail((await complaint).trim().split("\n").at(-1) ?? "it ended") : (JSON.parse(value) as T);
};
await answer();

const counts = { agree: 0, unread: 0, weSayEqual: 0, theySayEqual: 0 };
const begin = performance.now();
for (const [i, pair] of pairs.entries()) {
  oracle.stdin.write(`${JSON.stringify(pair)}\n`);
  const theirs = await answer<Judgement>();
  const ours = gradeMath({ response: pair.prediction, groundTruth: pair.gold });
  report(pair, ours, theirs);
  if ((i + 1) % PROGRESS_EVERY === 0) {
    const left = ((performance.now() - begin) / (i + 1)) * (pairs.length - i - 1);
    process.stderr.write(`${i + 1} of ${pairs.length}, ${Math.round(left / 1000)} s left\n`);
  }
}
oracle.stdin.end();
await once(oracle, "close");
console.log(
  `${pairs.length} pairs: ${counts.agree} judged alike; only we say equal: ${counts.weSayEqual}; only math-verify does: ${counts.theySayEqual}; ` +
    `not judged by math-verify: ${counts.unread}`,
);

function report({ gold, prediction, expected }: Pair, ours: ReturnType<typeof gradeMath>, { equal, error }: Judgement): void {
  if (equal === null) counts.unread++;
  else if (equal === (ours.score === 1)) counts.agree++;
  else if (ours.score === 1) counts.weSayEqual++;
  else counts.theySayEqual++;
  const isSplit = equal !== null && equal !== (ours.score === 1);
  const isWrong = expected !== undefined && expected !== (ours.score === 1);
  if (!isSplit && !isWrong) return;
  console.log(
    JSON.stringify({
      gold,
      prediction,
      ours: ours.score === 1,
      by: `${ours.outcome}, ${ours.rule}`,
      math_verify: equal ?? error,
      ...(expected === undefined ? {} : { right: expected }),
    }),
  );
}

/** The pairs of the tests, whose truth is known. */
function fixtures(): Pair[] {
  return ["math-plain", "math-answers"].flatMap((name) =>
    readLines<Pair>(fileURLToPath(new URL(`../fixtures/${name}.jsonl`, import.meta.url))),
  );
}

/** Formulas against another spelling of them, and against one that is off by a little. */
function madeUp(count: number, seed: number): Pair[] {
  const plain = (tree: Formula): string =>
    joinTokens(
      renderFormula(tree, () => 0),
      false,
    );
  const pair = fc.tuple(formula, choices, fc.integer({ min: 0, max: 9 })).map(([tree, stream, k]): Pair => {
    const spelled = joinTokens(renderFormula(tree, picker(stream)), false);
    return { gold: `$${plain(tree)}$`, prediction: `$\\boxed{${k < 6 ? spelled : `${spelled}+\\frac{1}{${k}}`}}$` };
  });
  return fc.sample(pair, { numRuns: count, seed });
}

function ownPairs(path: string): Pair[] {
  return readLines<{ response: string; ground_truth: string }>(path).map((row) => ({ gold: row.ground_truth, prediction: row.response }));
}

function readLines<T>(path: string): T[] {
  return readFileSync(path, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as T);
}

function fail(what: string): never {
  throw new Error(`${values.python} ${ORACLE}: ${what} (pip install "math-verify[antlr4-13-2]", or --python PATH)`);
}
