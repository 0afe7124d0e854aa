// `longcot eval` on LiveCodeBench's published form: the date window, public and compressed private tests in the sandbox, avg@4; a pickle that
// is more than a text is refused and never run.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateSync } from "node:zlib";
import type { EvalOutcome } from "@longcot/train/src/eval/eval-outcome.ts";
import { probeIsolation } from "@longcot/verifiers";
import { startUnreliableServer } from "@longcot/vitest-config/unreliable-server";
import { describe, expect, test } from "vitest";
import { runLongcot } from "./longcot-process.ts";
import { scratchFolder } from "./scratch-folder.ts";

const isConfined = await probeIsolation().then(
  ({ level }) => level === "full",
  () => false,
);
const folder = scratchFolder();
const FIXTURE = fileURLToPath(new URL("../../apps/train/fixtures/livecodebench.jsonl", import.meta.url));

const PROGRAMS: readonly [statement: string, right: string, wrong: string][] = [
  // The wrong sum passes the public test and fails a private one.
  ["sum of two", "a, b = map(int, input().split())\nprint(a + b)", "a, b = map(int, input().split())\nprint(abs(a) + abs(b))"],
  ["largest", "print(max(map(int, input().split())))", "print(3)"],
  [
    "twice",
    "class Solution:\n    def twice(self, numbers):\n        return [2 * n for n in numbers]",
    "class Solution:\n    def twice(self, numbers):\n        return [2, 4]",
  ],
];
/** Sample s of problem i is right where s is at most i, so that avg@4 of the three is 1/4, 2/4 and 3/4. */
const answer = (content: string, sample: number): string => {
  const i = PROGRAMS.findIndex(([statement]) => content.includes(statement));
  return `Done.\n\`\`\`python\n${PROGRAMS[i]![sample <= i ? 1 : 2]}\n\`\`\``;
};

describe.skipIf(!isConfined)(`LiveCodeBench${isConfined ? "" : " (left out: programs need bubblewrap)"}`, () => {
  test("avg@4 within the window, by difficulty; the window is a flag", { timeout: 120_000 }, async () => {
    const served = await startUnreliableServer(({ messages, seed }) => ({ text: answer(messages.at(-1)!.content, seed!) }));
    const evaluate = (out: string, ...more: string[]) =>
      runLongcot(
        "eval",
        "--server",
        served.url,
        "--server-model",
        "m",
        "--benchmark",
        `livecodebench=${FIXTURE}`,
        "--out",
        join(folder, out),
        "--json",
        ...more,
      );
    const { code, stdout, stderr } = await evaluate("paper", "--against", "published");
    expect(code, stderr).toBe(0);
    const { results, published } = JSON.parse(stdout) as EvalOutcome;
    const [{ overall, groups, ...result }] = results as [EvalOutcome["results"][number]];
    expect(result).toMatchObject({ title: "LiveCodeBench", samples_per_problem: 4, temperature: 1, top_p: 1, max_new_tokens: 32_768 });
    expect(groups.map(({ group, problems, avg_at_k: avg }) => [group, problems, avg.value])).toEqual([
      ["livecodebench-easy", 1, 0.25],
      ["livecodebench-medium", 1, 0.5],
      ["livecodebench-hard", 1, 0.75],
    ]);
    expect(overall).toMatchObject({ problems: 3, avg_at_k: { value: 0.5 }, pass_at_k: { value: 1 } });
    expect(published.find(({ model }) => model === "Skywork-OR1-7B")?.scores).toEqual({ livecodebench: 47.6 });
    const asked = served.requests.map(({ messages }) => messages[0]!.content);
    expect(asked.find((content) => content.includes("twice"))).toContain(
      "```python\nclass Solution:\n    def twice(self, numbers: List[int]) -> List[int]:\n```",
    );
    expect(asked.find((content) => content.includes("largest"))).toContain("standard input");

    const wide = JSON.parse((await evaluate("wide", "--window", "2024-07-31..2025-03", "--k", "1")).stdout) as EvalOutcome;
    expect(wide.results[0]!.overall.problems).toBe(5);
    const narrow = await evaluate("narrow", "--window", "2023-01..2023-02");
    expect([narrow.code, narrow.stderr]).toEqual([1, expect.stringContaining("expected problems from 2023-01 to 2023-02, got none")]);
    expect((await evaluate("odd", "--window", "August")).stderr).toContain("--window: expected FROM..TO");
    await served.close();
  });

  test("a pickle that would run something is refused, not run", { timeout: 60_000 }, async () => {
    const trap = join(folder, "trap");
    // Protocol 0: os.system("touch …").
    const pickle = Buffer.from(`cposix\nsystem\n(Vtouch ${trap}\ntR.`);
    const row = JSON.parse(readFileSync(FIXTURE, "utf8").split("\n")[1]!) as Record<string, unknown>;
    const file = join(folder, "trap.jsonl");
    writeFileSync(file, `${JSON.stringify({ ...row, private_test_cases: deflateSync(pickle).toString("base64") })}\n`);
    const served = await startUnreliableServer(({ messages, seed }) => ({ text: answer(messages.at(-1)!.content, seed!) }));
    const args = [
      "--server",
      served.url,
      "--server-model",
      "m",
      "--benchmark",
      `livecodebench=${file}`,
      "--out",
      join(folder, "trapped"),
      "--json",
    ];
    const { code, stdout, stderr } = await runLongcot("eval", ...args);
    await served.close();
    expect(code, stderr).toBe(0);
    expect((JSON.parse(stdout) as EvalOutcome).results[0]!.overall.avg_at_k.value).toBe(0);
    const samples = readFileSync(join(folder, "trapped", "livecodebench.samples.jsonl"), "utf8");
    expect(samples).toContain("invalid_ground_truth");
    expect(existsSync(trap)).toBe(false);
  });
});

test("rows of another form are one line", async () => {
  const file = join(folder, "odd.jsonl");
  writeFileSync(file, '{"question_id": "x", "question_content": "?", "contest_date": "2024-09-01", "public_test_cases": ""}\n');
  const { code, stderr } = await runLongcot(
    "eval",
    "--server",
    "http://127.0.0.1:9/v1",
    "--server-model",
    "m",
    "--benchmark",
    `livecodebench=${file}`,
    "--out",
    join(folder, "o"),
  );
  expect([code, stderr]).toEqual([
    1,
    `longcot eval: ${file}: row 0, public_test_cases must be as LiveCodeBench publishes it (code_generation or code_generation_lite), got ""\n`,
  ]);
});
