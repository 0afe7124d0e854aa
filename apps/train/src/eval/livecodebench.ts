// LiveCodeBench's published rows as problems: statement, starter code, contest date, public tests in clear and private ones compressed.
// The private tests stay as they came: the code verifier decodes them, as text alone, when it runs them.
import { readSourceRows, type PromptRow } from "@longcot/data-filter";
import { DataError } from "@longcot/errors";
import { z } from "zod";
import type { Window } from "./benchmarks.ts";

const tests = z.union([z.string().min(1), z.array(z.unknown()).min(1)]);

/** Columns of `livecodebench/code_generation_lite`, of which the first four and the tests are needed. */
const published = z.object({
  question_id: z.union([z.string(), z.number()]),
  question_content: z.string().min(1),
  contest_date: z.union([z.string(), z.date()]),
  starter_code: z.string().nullish(),
  difficulty: z.string().nullish(),
  platform: z.string().nullish(),
  public_test_cases: tests.nullish(),
  private_test_cases: tests.nullish(),
  metadata: z.union([z.string(), z.record(z.string(), z.unknown())]).nullish(),
});

type Published = z.output<typeof published>;

/** The problems within `window`, grouped by difficulty; `index` is the place among all rows of the files. @throws DataError naming a row. */
export async function readLiveCodeBench(
  files: readonly string[],
  window: Window | undefined,
): Promise<{ row: PromptRow; index: number }[]> {
  const problems: { row: PromptRow; index: number }[] = [];
  let index = 0;
  for (const path of files) {
    let number = 0;
    for await (const raw of readSourceRows(path)) {
      const parsed = published.safeParse(raw);
      if (!parsed.success) throw rowError(path, number, parsed.error.issues[0]!, raw);
      if (isWithin(parsed.data, window, path, number)) problems.push({ row: problemOf(parsed.data), index });
      index++;
      number++;
    }
  }
  return problems;
}

function rowError(path: string, row: number, issue: z.core.$ZodIssue, raw: Readonly<Record<string, unknown>>): DataError {
  const column = String(issue.path[0] ?? "");
  return new DataError({
    who: path,
    argument: `row ${row}, ${column}`,
    expected: "as LiveCodeBench publishes it (code_generation or code_generation_lite)",
    received: (JSON.stringify(raw[column]) ?? "nothing").slice(0, 60),
  });
}

/** Days and months as text sort like time; a month stands for all of its days. */
function isWithin({ contest_date: date }: Published, window: Window | undefined, path: string, row: number): boolean {
  const day = (typeof date === "string" ? date : date.toISOString()).slice(0, 10);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day))
    throw new DataError({ who: path, argument: `row ${row}, contest_date`, expected: "a date such as 2024-08-01T00:00:00", received: day });
  return window === undefined || (day.slice(0, window.from.length) >= window.from && day.slice(0, window.to.length) <= window.to);
}

function problemOf(row: Published): PromptRow {
  const { question_id: id, difficulty, contest_date: date, platform, public_test_cases, private_test_cases, metadata } = row;
  const level = (difficulty ?? "").toLowerCase();
  return {
    promptId: String(id),
    dataSource: level === "" ? "livecodebench" : `livecodebench-${level}`,
    messages: [{ role: "user", content: promptOf(row) }],
    ability: "code",
    groundTruth: JSON.stringify({ public_test_cases, private_test_cases, metadata }),
    extraInfo: { question_id: id, contest_date: date, platform },
  };
}

/** The question and how its program is run. In our words: the hash of the prompts goes into the results. */
function promptOf({ question_content: question, starter_code: starter }: Published): string {
  const how =
    starter == null || starter.trim() === ""
      ? "The program reads its input from standard input and writes its answer to standard output."
      : `Start from this code and keep its names and parameters:\n\n\`\`\`python\n${starter.trimEnd()}\n\`\`\``;
  return `Solve this programming problem in Python.\n\n${question.trim()}\n\n${how}\n\nEnd with the whole program in one block that begins with \`\`\`python and ends with \`\`\`.`;
}
