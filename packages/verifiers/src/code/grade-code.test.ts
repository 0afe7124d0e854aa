// Verdicts on honest programs of every shape, at whatever isolation this machine offers.
import { readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { CodeGrader } from "./grade-code.ts";
import type { CodePolicy } from "./policy.ts";
import { checkIsolation, probeIsolation } from "./sandbox.ts";

const isolation = await probeIsolation().catch((error: Error) => error);
const skipped = isolation instanceof Error;

const rows = <T>(name: string): T[] =>
  readFileSync(new URL(`../../fixtures/${name}`, import.meta.url), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as T);
const fence = (source: string, language = "python"): string => `Here it is.\n\`\`\`${language}\n${source}\n\`\`\`\n`;
const SUM = { inputs: ["3\n1 2 3\n", "2\n10 20\n"], outputs: ["6\n", "30\n"] };

describe.skipIf(skipped)(`the code grader${skipped ? ` (left out: ${isolation.message})` : `, isolation ${isolation.level}`}`, async () => {
  const open = (policy: Partial<CodePolicy> = {}): Promise<CodeGrader> =>
    CodeGrader.open({ cpuTimeS: 2, wallTimeS: 20, ...policy }, "rlimits only");
  const grader = skipped ? undefined! : await open();
  afterAll(() => grader?.close());
  const grade = (source: string, groundTruth: object, language?: string) =>
    grader.grade({ response: fence(source, language), groundTruth: JSON.stringify(groundTruth) });

  test.each(rows<{ name: string; response: string; ground_truth: string; expected: boolean }>("code-idioms.jsonl"))(
    "idiom: $name",
    async (row) => {
      const { score } = await grader.grade({ response: row.response, groundTruth: row.ground_truth });
      expect(score).toBe(row.expected ? 1 : 0);
    },
  );

  test("the right program of every shape passes, the wrong one fails", async () => {
    for (const { ground_truth, correct, wrong } of rows<{ ground_truth: string; correct: string; wrong: string }>("code-solutions.jsonl")) {
      expect(await grader.grade({ response: fence(correct), groundTruth: ground_truth })).toMatchObject({ score: 1, outcome: "correct" });
      // 2.50 for 2.500 is the same number, here as for LiveCodeBench.
      const expected = wrong.includes("%.2f") ? "correct" : "wrong";
      expect(await grader.grade({ response: fence(wrong), groundTruth: ground_truth })).toMatchObject({ outcome: expected });
    }
  });

  test.each([
    [
      "javascript",
      "const [, row] = require('fs').readFileSync(0, 'utf8').split('\\n');\nconsole.log(row.split(' ').reduce((a, b) => a + Number(b), 0))",
    ],
    [
      "javascript",
      "import { readFileSync } from 'node:fs';\nconst t = readFileSync('/dev/stdin', 'utf8').split('\\n')[1];\nconsole.log(eval(t.replaceAll(' ', '+')))",
    ],
    [
      "typescript",
      "declare var require: any;\nconst rows: string[] = require('fs').readFileSync(0, 'utf8').split('\\n');\nenum A { One = 1 }\nconsole.log(rows[A.One]!.split(' ').map(Number).reduce((a: number, b: number) => a + b, 0))",
    ],
  ])("%s programs", async (language, source) => {
    expect(await grade(source, SUM, language)).toMatchObject({ score: 1, passed: 2, total: 2 });
  });

  test("JavaScript functions and classes", async () => {
    const calls = { fn_name: "pair", inputs: ["[1, 2]\n3"], outputs: ["[4, 5]"] };
    expect(await grade("const pair = (xs, k) => xs.map((x) => x + k)", calls, "js")).toMatchObject({ score: 1 });
    expect(
      await grade("class Solution { pair(xs: number[], k: number): number[] { return xs.map((x) => x + k) } }", calls, "ts"),
    ).toMatchObject({ score: 1 });
    expect(await grade("function pair(xs, k) { return xs }", calls, "js")).toMatchObject({ outcome: "wrong" });
    expect(await grade("function pair( {", calls, "js")).toMatchObject({ outcome: "compile_error" });
    expect(await grade("let other = 1", calls, "js")).toMatchObject({ outcome: "runtime_error" });
  });

  test.each([
    ["wrong", "print(1)", "test 1 of 2"],
    ["runtime_error", "1/0", "test 1 of 2: ZeroDivisionError: division by zero (line 1)"],
    ["runtime_error", "print(6)\nraise SystemExit(3)", "test 1 of 2: exit status 3"],
    ["runtime_error", "import os, signal\nos.abort()", undefined],
    ["compile_error", "print(", undefined],
    ["timeout", "while True: pass", "test 1 of 2"],
    ["timeout", "import time\ntime.sleep(100)", "test 1 of 2"],
    ["memory", "x = bytearray(8 << 30)", undefined],
    ["runtime_error", "while True: print('x' * 65536)", "test 1 of 2: printed more than a test may"],
  ])("outcome %s: %s", async (outcome, source, detail) => {
    expect(await grade(source, SUM)).toMatchObject({ score: 0, outcome, ...(detail === undefined ? {} : { detail }) });
  });

  // Gigabytes of pages, one by one, take seconds on a machine that others use too.
  test("outcome memory: growth up to the limit", { timeout: 90_000 }, async () => {
    const patient = await open({ cpuTimeS: 20, wallTimeS: 60 });
    try {
      const response = fence("x = []\nwhile True: x.append(bytearray(1 << 20))");
      expect(await patient.grade({ response, groundTruth: JSON.stringify(SUM) })).toMatchObject({ score: 0, outcome: "memory" });
    } finally {
      await patient.close();
    }
  });

  test("what says nothing about the program is no 0 in silence", async () => {
    expect(await grade("print(1)", { inputs: ["1"], outputs: [] })).toMatchObject({ outcome: "invalid_ground_truth" });
    expect(await grade("def f(): return 1", { assert_case: ["assert ("] })).toMatchObject({ outcome: "invalid_ground_truth" });
    expect(await grade("def f(): return 1", { assert_case: ["assert 1 / 0"] })).toMatchObject({ outcome: "invalid_ground_truth" });
    expect(await grader.grade({ response: "no program", groundTruth: JSON.stringify(SUM) })).toEqual({
      score: 0,
      outcome: "no_answer",
      rule: "no-program-found",
    });
    expect(await grader.grade({ response: fence("print(6)"), groundTruth: JSON.stringify(SUM), truncated: true })).toMatchObject({
      rule: "truncated",
    });
  });

  test("assertions: linked lists, changed arguments, several asserts in a loop, exceptions expected", async () => {
    const prefix = "class ListNode:\n    def __init__(self, val=0, next=None):\n        self.val = val\n        self.next = next\n";
    const reverse =
      "class Solution:\n    def rev(self, head: Optional[ListNode]) -> Optional[ListNode]:\n        out = None\n        while head:\n            head.next, out, head = out, head, head.next\n        return out\n";
    const test_code =
      "def values(n):\n    while n:\n        yield n.val\n        n = n.next\n\ndef check(candidate):\n    assert list(values(candidate(ListNode(1, ListNode(2))))) == [2, 1]\n    assert candidate(None) is None\n";
    expect(await grade(reverse, { import_prefix: prefix, test_code, entry_point: "Solution().rev" })).toMatchObject({ score: 1, total: 2 });
    expect(await grade("def sort(xs): xs.sort()", { assert_case: ["a = [2, 1]\nsort(a)\nassert a == [1, 2]"] })).toMatchObject({
      score: 1,
    });
    expect(await grade("def half(x): return x // 2", { assert_case: ["for i in range(9):\n    assert half(2 * i) == i"] })).toMatchObject({
      score: 1,
    });
    expect(await grade("def f(x): raise ValueError(x)", { assert_case: ["assert f(1) == 2"] })).toMatchObject({ outcome: "runtime_error" });
  });

  test("a checker decides, and a broken one is the data's fault", async () => {
    const checker = "def check(input, output, expected):\n    return sorted(output.split()) == sorted(expected.split())";
    expect(await grade("print(3, 1, 2)", { inputs: [""], outputs: ["1 2 3"], checker })).toMatchObject({ score: 1 });
    expect(await grade("print(3, 1)", { inputs: [""], outputs: ["1 2 3"], checker })).toMatchObject({ outcome: "wrong" });
    const strict = "def check(input, output, expected):\n    return int(output) == int(expected)";
    expect(await grade("print('x')", { inputs: [""], outputs: ["1"], checker: strict })).toMatchObject({ outcome: "wrong" });
    expect(await grade("print(1)", { inputs: [""], outputs: ["1"], checker: "def check(:" })).toMatchObject({
      outcome: "invalid_ground_truth",
    });
  });

  test("a fraction counts all tests, whichever ran", async () => {
    await using partial = await open({ reward: "fraction" });
    const problem = { inputs: ["1", "2", "3", "4"], outputs: ["1", "0", "3", "0"] };
    const verdict = await partial.grade({ response: fence("print(input())"), groundTruth: JSON.stringify(problem) });
    expect(verdict).toMatchObject({ score: 0.5, outcome: "wrong", passed: 2, total: 4 });
  });

  test("os._exit right after printing, from the program and from its children", async () => {
    const source = "import os\nprint(1)\nif os.fork() == 0: os._exit(0)\nos.wait()\nos._exit(0)";
    expect(await grade(source, { inputs: [""], outputs: ["1"] })).toMatchObject({ score: 1 });
  });

  test("a box that dies is replaced and the response graded again; one that dies again is a crash, no wrong answer", async () => {
    await using fragile = await open();
    const response = fence("import time\ntime.sleep(0.8)\nprint(1)");
    const groundTruth = JSON.stringify({ inputs: [""], outputs: ["1"] });
    const others = childProcesses();
    const [once] = await Promise.all([fragile.grade({ response, groundTruth }), killNewChild(others)]);
    expect(once).toMatchObject({ score: 1, outcome: "correct" });
    const twice = fragile.grade({ response, groundTruth });
    await killNewChild(others);
    await killNewChild(others);
    expect(await twice).toMatchObject({ score: 0, outcome: "crash", rule: "sandbox" });
    expect(await fragile.grade({ response, groundTruth })).toMatchObject({ score: 1 });
  });

  test("deep recursion has the stack for it", async () => {
    const source =
      "import sys\nfrom functools import lru_cache\nsys.setrecursionlimit(10**6)\n@lru_cache(None)\ndef f(n): return 0 if n == 0 else 1 + f(n - 1)\nprint(f(100000))";
    expect(await grade(source, { inputs: [""], outputs: ["100000"] })).toMatchObject({ score: 1 });
  });
});

/** Processes that this one has started. */
function childProcesses(): number[] {
  return readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
}

/** Kills the first child that is none of `others`, once it has had time to open; an earlier victim never counts again. */
async function killNewChild(others: number[]): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 50));
  for (;;) {
    const found = childProcesses().find((pid) => !others.includes(pid));
    await new Promise((resolve) => setTimeout(resolve, 400));
    if (found === undefined) continue;
    others.push(found);
    process.kill(found, "SIGKILL");
    return;
  }
}

test("below the level asked for nothing runs, and the refusal says what to install", () => {
  const weak = { level: "rlimits only", plan: undefined!, python: "", pythonFolders: [], reasons: ["full: spawn bwrap ENOENT"] } as const;
  expect(() => checkIsolation(weak, "full")).toThrow(/at least "full".*got "rlimits only".*spawn bwrap ENOENT.*apt install bubblewrap/);
  expect(() => checkIsolation(weak, "rlimits only")).not.toThrow();
});
