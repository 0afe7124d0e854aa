import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { openAnswerLog } from "./answer-log.ts";
import { createTeacherPool } from "./ask-teachers.ts";
import { nextSamples } from "./budget.ts";
import { answerChecker, repeatedShare, type AnswerChecks } from "./check-answer.ts";
import { cutAfterAnswer } from "./cut-after-answer.ts";
import { distillProblems, type DistilledProblem, type DistillOptions } from "./distill-problems.ts";
import { createAnswerSet } from "./near-duplicates.ts";
import type { Teacher, TeacherAnswer, TeacherQuestion } from "./teacher.ts";

const folder = mkdtempSync(join(tmpdir(), "longcot-distill-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Right on every `hardness`-th sample of a problem, with words that no other answer has. */
function fakeTeacher(asked: TeacherQuestion[], textOf: (question: TeacherQuestion) => string): Teacher {
  return {
    name: "fake",
    slots: 2,
    questionsPerCall: 3,
    graceMs: 0,
    ask: async (questions) => {
      asked.push(...questions);
      return questions.map((question) => ({
        text: textOf(question),
        truncated: false,
        teacher: "fake",
        completionTokens: 10 + question.sample,
      }));
    },
  };
}
const problems: DistilledProblem[] = [0, 1, 2].map((index) => ({ index, messages: [{ role: "user", content: `p${index}` }] }));
const options = (name: string, teacher: Teacher): DistillOptions<DistilledProblem> => ({
  teachers: createTeacherPool([teacher]),
  budget: { first: 2, wanted: 2, most: 12 },
  check: () => undefined,
  verify: async (items) =>
    items.map(({ answer }) => ({
      correct: answer.text.startsWith("right"),
      outcome: answer.text.startsWith("right") ? "correct" : "wrong",
    })),
  duplicateThreshold: 0.9,
  prefer: "first",
  log: openAnswerLog(join(folder, `${name}.jsonl`)),
});

test("hard problems are asked more often, easy ones no more than needed, hopeless ones to the end of the budget", async () => {
  const asked: TeacherQuestion[] = [];
  const text = ({ problem, sample }: TeacherQuestion) =>
    problem === 0 || (problem === 1 && sample % 4 === 3) ? `right ${sample} way of doing it number ${sample}` : `wrong ${sample}`;
  const teacher = fakeTeacher(asked, text);
  const answers = await distillProblems(problems, options("hard", teacher));
  expect(answers.map((judged) => judged.length)).toEqual([2, 10, 12]);
  expect(answers.map((judged) => judged.filter(({ rejected }) => rejected === undefined).map(({ sample }) => sample))).toEqual([
    [0, 1],
    [3, 7],
    [],
  ]);
  expect(answers[2]!.every(({ rejected, correct }) => rejected === "wrong" && correct === false)).toBe(true);

  // The same again from the log: nobody is asked, and the answers are the same.
  const before = asked.length;
  expect(await distillProblems(problems, options("hard", teacher))).toEqual(answers);
  expect(asked.length).toBe(before);
});

test("equal answers count once, and of the good ones the shortest may be wanted", async () => {
  const same = await distillProblems(
    problems,
    options(
      "same",
      fakeTeacher([], () => "right  as always"),
    ),
  );
  expect(same[0]!.map(({ rejected }) => rejected)).toEqual([undefined, ...Array.from({ length: 11 }, () => "duplicate")]);

  const lengths = [30, 10, 20];
  const teacher: Teacher = {
    ...fakeTeacher([], () => ""),
    ask: async (questions) =>
      questions.map(({ sample }) => ({
        text: `right by the road of number ${sample}`,
        truncated: false,
        teacher: "fake",
        completionTokens: lengths[sample]!,
      })),
  };
  const given = { ...options("short", teacher), budget: { first: 3, wanted: 1, most: 3 }, prefer: "shortest" as const };
  const short = await distillProblems(problems, { ...given, duplicateThreshold: 1 });
  expect(short[0]!.map(({ rejected }) => rejected)).toEqual(["surplus", undefined, "surplus"]);
});

test("the budget asks for what is missing at the share of good ones so far, never beyond its most", () => {
  const budget = { first: 4, wanted: 3, most: 32 };
  // (1 + 1) / (4 + 2) of the next ones should be good: two more need six.
  expect(nextSamples({ asked: 4, good: 1 }, budget)).toBe(6);
  expect(nextSamples({ asked: 4, good: 3 }, budget)).toBe(0);
  fc.assert(
    fc.property(fc.nat(32), fc.nat(32), (asked, good) => {
      const next = nextSamples({ asked, good: Math.min(good, asked) }, budget);
      expect(asked + next).toBeLessThanOrEqual(Math.max(32, 4));
      expect(next).toBeGreaterThanOrEqual(0);
    }),
  );
});

const CHECKS: AnswerChecks = {
  thinking: "required",
  minTokens: 3,
  maxTokens: 200,
  maxRepetition: 0.5,
  scripts: ["Latin"],
  minScriptShare: 0.9,
};
const answer = (text: string, more: Partial<TeacherAnswer> = {}): TeacherAnswer => ({
  text,
  truncated: false,
  teacher: "t",
  completionTokens: 20,
  ...more,
});

test.each<[string, TeacherAnswer, string | undefined]>([
  ["good", answer("<think>two and two</think>4"), undefined],
  ["refused", answer("", { refused: "400" }), "refused"],
  ["cut", answer("<think>two", { truncated: true }), "truncated"],
  ["empty", answer("  "), "empty"],
  ["no thinking", answer("4"), "format"],
  ["not closed", answer("<think>two and two is 4"), "format"],
  ["no answer", answer("<think>two and two</think> \n"), "format"],
  ["closed twice", answer("<think>a</think>4</think>4"), "format"],
  ["words before", answer("well <think>a</think>4"), "format"],
  ["short", answer("<think>a</think>4", { completionTokens: 2 }), "too_short"],
  ["long", answer("<think>a</think>4", { completionTokens: 201 }), "too_long"],
  ["loop", answer(`<think>${"wait, let me see again. ".repeat(20)}</think>4`), "repetition"],
  ["another script", answer("<think>首先我们计算一下</think>4"), "language"],
])("%s", (_, given, fault) => expect(answerChecker(CHECKS)(given)).toBe(fault));

test("without thinking required a plain answer is fine; an unknown script is an error", () => {
  expect(answerChecker({ ...CHECKS, thinking: "closed" })(answer("4 it is"))).toBeUndefined();
  expect(() => answerChecker({ ...CHECKS, scripts: ["Elvish"] })).toThrow(
    "scripts must be names of Unicode scripts, such as Latin or Han, got Elvish",
  );
});

test("prose repeats little, a loop much", () => {
  const prose = "Let x be the number of apples. Then 2x + 3 = 11, so that 2x = 8 and x = 4. We check: 2 · 4 + 3 = 11, as it should be.";
  expect(repeatedShare(prose)).toBeLessThan(0.05);
  expect(repeatedShare("and so on, ".repeat(30))).toBeGreaterThan(0.9);
  expect(repeatedShare("short")).toBe(0);
});

test("answers are alike up to white space and a word or two", () => {
  const set = createAnswerSet(0.8);
  const words = Array.from({ length: 40 }, (_, i) => `word${i}`);
  expect(set.add(words.join(" "))).toBe(true);
  expect(set.add(words.join("\n"))).toBe(false);
  expect(set.add(words.with(20, "other").join(" "))).toBe(false);
  expect(set.add(words.toReversed().join(" "))).toBe(true);
});

test.each([
  ["<think>a</think>\\boxed{66}}}}+46", "<think>a</think>\\boxed{66}"],
  ["\\boxed{1} or \\boxed{\\frac{1}{2}} so.", "\\boxed{1} or \\boxed{\\frac{1}{2}}"],
  ["no box", "no box"],
  ["\\boxed{open", "\\boxed{open"],
])("what stands behind the answer is cut: %s", (text, expected) => expect(cutAfterAnswer(text)).toBe(expected));
