// Defects of every sort that real data sets have, each in a row of its own that says what must become of it; and rows beside them that look
// like defects and are none.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { expect, test } from "vitest";
import { runPipeline } from "./run-pipeline.ts";
import { checkAnswers } from "./steps/check-answers.ts";
import { checkSchema } from "./steps/check-schema.ts";
import { checkStatements } from "./steps/check-statements.ts";
import { dropContaminated } from "./steps/drop-contaminated.ts";
import { dropDuplicates } from "./steps/drop-duplicates.ts";
import { limitPrompts } from "./steps/limit-prompts.ts";

/** `keep`, or the kind under which the row is dropped. */
type Row = readonly [expected: string, row: object];
const info = (i: number) => ({ index: i, model_difficulty: { m: 3 } });
const P = (content: unknown, role = "user") => [{ role, content }];
let index = 0;
const ok = (content: unknown, gt: unknown = '["7"]', more: object = {}) => ({
  data_source: "s",
  prompt: P(content),
  ability: "math",
  reward_model: { style: "rule", ground_truth: gt },
  extra_info: info(index++),
  ...more,
});
const BASE = "Let $a$ and $b$ be positive reals with $a+b=10$ and $ab=21$. Find the larger of the two numbers.";
const ROWS: readonly Row[] = [
  ["keep", ok(BASE)],
  ["near-duplicate", ok("Let $ a $ and $ b $ be positive reals with $ a + b = 10 $ and $ a b = 21 $. Find the larger of the two numbers.")],
  ["duplicate-normalised", ok("LET $a$ AND $b$ BE POSITIVE REALS WITH $a+b=10$ AND $ab=21$. FIND THE LARGER OF THE TWO NUMBERS.")],
  [
    "duplicate-normalised",
    ok("Let \\(a\\) and \\(b\\) be positive reals with \\(a+b=10\\) and \\(ab=21\\). Find the larger of the two numbers."),
  ],
  [
    "duplicate-normalised",
    ok("Let $a$ and $b$ be positive reals with $a\\,+\\,b\\;=\\;10$ and $ab=21$. Find the larger of the two numbers."),
  ],
  ["conflicting-answer", ok(BASE, '["3"]')],
  ["near-duplicate", ok(`${BASE} Thanks!`)],
  ["duplicate-normalised", ok(`${BASE.replace(/\\.$/, "")} Let's think step by step and output the final answer within \\\\boxed{}.`)],
  ["keep", ok("How many zeros end the decimal form of $25!$ when it is written in full, counted from the right?", '["6"]')],
  ["keep", ok("How many zeros end the decimal form of $25$ when it is written in full, counted from the right?", '["0"]')],
  ["keep", ok("Let $a$ and $b$ be positive reals with $a+b=11$ and $ab=24$. Find the larger of the two numbers.", '["8"]')],
  ["keep", ok("Calculez la somme des entiers naturels inférieurs à cent qui sont divisibles par sept exactement.", '["735"]')],
  [
    "duplicate-normalised",
    ok("Calculez la somme des entiers naturels infe\u0301rieurs a\u0300 cent qui sont divisibles par sept exactement.", '["735"]'),
  ],
  ["keep", ok("A train leaves the station at noon travelling 60 km/h. How far has it gone after 3 hours, in kilometres?", '["180"]')],
  [
    "duplicate-normalised",
    ok("Ａ train leaves the station at noon travelling ６０ km/h. How far has it gone after ３ hours, in kilometres?", '["180"]'),
  ],
  [
    "duplicate-normalised",
    ok("A\u200b train leaves the station at noon travelling 60\u00a0km/h. How far has it gone after 3 hours, in kilometres?", '["180"]'),
  ],
  ["keep", ok("Evaluate $\\frac{1}{2}+\\frac{1}{3}$ as a common fraction in lowest terms please.", '["\\\\frac{5}{6}"]')],
  ["duplicate-normalised", ok("Evaluate $\\dfrac{1}{2}+\\dfrac{1}{3}$ as a common fraction in lowest terms please.", '["5/6"]')],
  ["duplicate-normalised", ok("Evaluate $\\frac12+\\frac13$ as a common fraction in lowest terms please.", '["5/6"]')],
  ["ground-truth-null", ok("What is the first of these?", null)],
  ["ground-truth-blank", ok("What is the second of these?", "   ")],
  ["ground-truth-not-json", ok("What is the third of these?", { a: 1 })],
  ["ground-truth-blank", ok("What is the fourth of these?", '["3", null]')],
  ["keep", ok("What is nine times nine minus twenty-two?", 59)],
  ["keep", ok("What is eight times eight minus twenty?", ["44"])],
  ["no-answer", ok("What is a fifth kind of thing?", '["notfound"]')],
  ["reward-model-null", ok("What is the sixth of these?", "x", { reward_model: null })],
  ["ground-truth-null", ok("What is the seventh of these?", "x", { reward_model: "7" })],
  [
    "reward-model-null",
    (() => {
      const r = ok("Eighth?") as Record<string, unknown>;
      delete r["reward_model"];
      return r;
    })(),
  ],
  ["keep", ok("x", '["12"]', { prompt: "How many edges has a cube of side length five?" })],
  [
    "null-prompt",
    (() => {
      const r = ok("ninth?") as Record<string, unknown>;
      delete r["prompt"];
      return r;
    })(),
  ],
  ["bad-prompt", ok("x", '["1"]', { prompt: 42 })],
  ["bad-prompt", ok("x", '["1"]', { prompt: { role: "user", content: "An object and no list?" } })],
  ["bad-prompt", ok("x", '["1"]', { prompt: [[{ role: "user", content: "Nested one level too deep?" }]] })],
  ["bad-prompt", ok([{ type: "text", text: "Parts as in multimodal chats?" }])],
  ["bad-role", ok("x", '["1"]', { prompt: [{ content: "No role at all?" }] })],
  ["bad-role", ok("x", '["1"]', { prompt: [{ from: "human", value: "ShareGPT?" }] })],
  ["empty-prompt", ok("\u00a0\u200b\n")],
  ["empty-prompt", ok("")],
  ["no-messages", ok("x", '["1"]', { prompt: [] })],
  ["empty-prompt", ok("x", '["1"]', { prompt: "" })],
  [
    "last-message-not-user",
    ok("x", '["1"]', {
      prompt: [
        { role: "user", content: "Hi?" },
        { role: "assistant", content: "Yes" },
      ],
    }),
  ],
  [
    "keep",
    ok("x", '["21"]', {
      prompt: [
        { role: "system", content: "You are careful." },
        { role: "user", content: "How many diagonals has a convex octagon plus one?" },
      ],
    }),
  ],
  ["difficulty-out-of-range", ok("What is one of tenth kind?", '["1"]', { extra_info: { index: 1, model_difficulty: { m: "NaN" } } })],
  ["difficulty-out-of-range", ok("What is one of eleventh kind?", '["1"]', { extra_info: { index: 1, model_difficulty: { m: 3.5 } } })],
  ["difficulty-out-of-range", ok("What is one of twelfth kind?", '["1"]', { extra_info: { index: 1, model_difficulty: { m: "3" } } })],
  ["difficulty-null", ok("What is one of thirteenth kind?", '["1"]', { extra_info: { index: 1 } })],
  ["extra-info-malformed", ok("What is one of fourteenth kind?", '["1"]', { extra_info: "oops" })],
  ["data-source-blank", ok("What is one of fifteenth kind?", '["1"]', { data_source: " " })],
  ["ability-unknown", ok("What is one of seventeenth kind?", '["1"]', { ability: "Math" })],
  ["ability-null", ok("What is one of eighteenth kind?", '["1"]', { ability: null })],
  [
    "contaminated",
    ok(
      "Given that every morning Aya goes for a 9-kilometer-long walk and stops at a coffee shop afterwards. When she walks at a constant speed of s kilometers per hour, the walk takes her 4 hours, including t minutes spent in the coffee shop. When she walks s+2 kilometers per hour, the walk takes her 2 hours and 24 minutes, including t minutes spent in the coffee shop. Find how long it takes.",
      '["204"]',
    ),
  ],
  [
    "keep",
    ok(
      "Every evening Bo goes for a 7-kilometer ride and stops at a bakery. Find the number of minutes that the ride takes at 14 km/h.",
      '["30"]',
    ),
  ],
  ["external-url", ok("Compute the value described at www.example.org/problem for n equal to 12.", '["1"]')],
  ["external-url", ok("See [here](https://x.y/z) and find the sum of digits.", '["1"]')],
  ["external-url", ok("Find the sum of the digits in imgur.com/abc123.png now.", '["1"]')],
  ["missing-figure", ok("In the diagram, $AB = 3$ and $BC = 4$. Find $AC$.", '["5"]')],
  ["missing-figure", ok("What fraction of the figure is shaded?", '["1/2"]')],
  ["missing-figure", ok("The graph of $y=f(x)$ is shown below. What is $f(2)$?", '["1"]')],
  ["missing-figure", ok("Find the area of the shaded region in the accompanying picture.", '["1"]')],
  ["missing-figure", ok("According to the bar chart below, how many students like tea?", '["1"]')],
  ["missing-figure", ok("As shown in Figure 3, the circle has radius 2. Find its area.", '["4\\\\pi"]')],
  ["missing-figure", ok("<image> What is the perimeter of this polygon?", '["9"]')],
  ["missing-figure", ok("Using the table below, compute the mean wage.", '["9"]')],
  ["keep", ok("Figure skating judges gave scores 5, 6 and 7 to one skater. What is the mean score?", '["6"]')],
  ["keep", ok("How many figures are in the number 1234567 written in base ten?", '["7"]')],
  ["keep", ok("Using the table: x=1 gives 2, x=2 gives 4, x=3 gives 6. What does x=10 give?", '["20"]')],
  ["proof-problem", ok("Prove that $\\sqrt{2}$ is irrational.", '["1"]')],
  ["proof-problem", ok("Let $n$ be a positive integer. Show that $n^2+n$ is even.", '["1"]')],
  ["proof-problem", ok("Let $ABC$ be a triangle. Prove $AB+BC>AC$.", '["1"]')],
  ["proof-problem", ok("Demonstrate the inequality $x^2+1\\ge 2x$ for all real $x$.", '["1"]')],
  ["keep", ok("It can be shown that $x$ is unique. Find $x$ if $3x+4=19$ holds.", '["5"]')],
  ["keep", ok("Prove that there is a smallest such $n$, and find it, if $n(n+1)=132$ and $n>0$.", '["11"]')],
  ["missing-options", ok("Which of the following numbers is prime?", '["B"]')],
  ["missing-options", ok("Which statement is true?\n\nChoose the correct option.", '["C"]')],
  ["missing-options", ok("The correct answer among the options below is which one?", '["A"]')],
  ["keep", ok("Which of the following is a prime number?\nA) 4\nB) 6\nC) 7\nD) 8", '["C"]')],
  ["keep", ok("Which of the following equals $2^5$?\n$\\textbf{(A) } 16 \\qquad \\textbf{(B) } 32 \\qquad \\textbf{(C) } 64$", '["B"]')],
  ["prompt-too-long", ok(`Add these: ${Array.from({ length: 4000 }, (_, i) => (i * 7919) % 10007).join(" + ")}.`, '["1"]')],
];
const BENCHMARK =
  "Every morning Aya goes for a 9-kilometer-long walk and stops at a coffee shop afterwards. When she walks at a constant speed of s kilometers per hour, the walk takes her 4 hours, including t minutes spent in the coffee shop. When she walks s+2 kilometers per hour, the walk takes her 2 hours and 24 minutes, including t minutes spent in the coffee shop. Suppose Aya walks at s+1/2 kilometers per hour. Find the number of minutes the walk takes her, including the t minutes spent in the coffee shop.";

test("every defect is named, and nothing else is dropped", async () => {
  const folder = mkdtempSync(join(tmpdir(), "longcot-defects-"));
  const input = join(folder, "rows.jsonl");
  writeFileSync(input, ROWS.map(([, row]) => `${JSON.stringify(row)}\n`).join(""));
  await runPipeline({
    sources: [{ files: [input] }],
    steps: [
      checkSchema(),
      checkStatements(),
      limitPrompts({ maxTokens: 2048 }),
      checkAnswers(),
      dropDuplicates(),
      dropContaminated([{ name: "aime", fingerprint: "", statements: [BENCHMARK] }]),
    ],
    output: join(folder, "left.jsonl"),
    folder: join(folder, "work"),
  });
  const database = await DuckDBInstance.create(join(folder, "work", "problems.duckdb"));
  const connection = await database.connect();
  const dropped = new Map((await connection.runAndReadAll("SELECT row, kind FROM dropped")).getRowsJS() as [number, string][]);
  connection.closeSync();
  database.closeSync();
  rmSync(folder, { recursive: true });
  const found = ROWS.map(([, row], i) => [dropped.get(i) ?? "keep", row] as const);
  expect(found).toEqual(ROWS);
});
