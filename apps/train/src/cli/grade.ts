// `longcot grade`: verdicts on responses, in processes of their own.
import { InvalidArgumentError, Option } from "commander";
import type { CodePolicy, CodeReward, IsolationLevel, MathPolicy, RewardSignature } from "@longcot/verifiers";
import { existingFile, numberFromZero, positiveNumber, wholeNumber } from "./option-values.ts";
import { addRowsCommand } from "./rows-command.ts";
import type { FilesOptions, RowsWork } from "./rows-command.ts";
import type { AddCommand } from "./run-cli.ts";

export interface GradeOptions extends FilesOptions {
  /** Grading processes; undefined: the processors, at most 4. */
  jobs?: number;
  /** The weakest isolation at which programs may run; undefined: full. */
  isolation?: IsolationLevel;
  reward?: CodeReward;
  /** Seconds of processor time of one test. */
  cpuTime?: number;
  /** Memory of one test, MiB. */
  memory?: number;
  tolerance?: number;
  layout?: CodePolicy["layout"];
  thinking?: MathPolicy["thinking"];
  bareAnswer?: MathPolicy["bareAnswer"];
  percent?: MathPolicy["percent"];
  decimalPlaces?: number;
  units?: MathPolicy["units"];
  symbolCase?: MathPolicy["symbolCase"];
  logBase?: "10" | "e";
  tupleAsSet?: MathPolicy["tupleAsSet"];
  /** A module that grades instead of the verifiers. */
  rewardFunction?: string;
  signature: RewardSignature;
}

/** Conventions with a few values: flag, values (the first is the default), words. */
const CONVENTIONS: readonly (readonly [flag: string, values: readonly string[], words: string])[] = [
  [
    "thinking",
    ["closed-if-opened", "required", "ignored"],
    "math: text that may hold the answer: after </think>, and whether there must be one",
  ],
  ["bare-answer", ["accept", "refuse"], "math: the last number or formula answers where nothing is boxed or announced"],
  ["percent", ["integers", "either", "exact"], "math: whether 28% is 28: for whole percentages, for all, never"],
  ["units", ["drop", "keep"], "math: whether 12 cm is 12"],
  ["symbol-case", ["fold", "exact"], "math: whether A and a are one variable"],
  ["log-base", ["10", "e"], "math: base of \\log without one"],
  ["tuple-as-set", ["ordered", "distinct"], "math: whether (1,2) is {1,2} in the same order"],
  ["layout", ["lines", "tokens"], "code: printed lines compared one by one, or words wherever lines end"],
];

/** Adds the command around `work`, which is loaded by the caller when it is first needed. */
export function gradeCommand(work: RowsWork<GradeOptions>): AddCommand {
  return (program) => {
    const command = addRowsCommand(program, "grade", work)
      .description('Grade responses: {"id","ability","response","ground_truth"} in, {"id","score","outcome","extracted"?} out.')
      .option("--jobs <N>", "grading processes (default: the processors, at most 4)", wholeNumber(1))
      .addOption(
        new Option("--isolation <level>", "code: weakest isolation at which programs may run (default: full)").choices([
          "full",
          "namespaces",
          "rlimits only",
        ]),
      )
      .option(
        "--reward <rule>",
        'code: "all" tests or nothing, "fraction" that passes, or that fraction to a power, as 4 (default: all)',
        codeReward,
      )
      .option("--cpu-time <seconds>", "code: processor time of one test (default: 6)", positiveNumber())
      .option("--memory <MiB>", "code: memory of one test (default: 1024)", wholeNumber(16))
      .option("--tolerance <x>", "code: largest difference of decimals, absolute and relative (default: 1e-9)", numberFromZero)
      .option(
        "--reward-function <file>",
        "grade by a function of your own, in a .ts, .js or .py file; rows may have data_source, prompt, extra_info",
        existingFile,
      )
      .addOption(
        new Option("--signature <name>", "how the function is called: verl's compute_score(…), or as TRL calls reward functions")
          .choices(["verl", "trl"])
          .default("verl"),
      )
      .option("--decimal-places <N>", "math: places at which a decimal is compared with what it rounds (default: 6)", wholeNumber(0));
    for (const [flag, values, words] of CONVENTIONS)
      command.addOption(new Option(`--${flag} <value>`, `${words} (default: ${values[0]})`).choices(values));
    command.addHelpText(
      "after",
      `
ability "math": ground_truth is a text, or a list of texts that are all accepted.
ability "code": ground_truth is a JSON object (or its text) of one of these shapes:
  {"inputs": […], "outputs": […]}                       programs that read standard input
  {"inputs": […], "outputs": […], "fn_name": "f"}       calls of a function, arguments one JSON value a line
  {"import_prefix", "test_code", "entry_point"}         LeetCode: check(candidate)
  {"assert_case": ["assert …"]}                         assertions
  {"public_test_cases", "private_test_cases", …}        a LiveCodeBench row
"checker" beside outputs: Python source whose check(input, output, expected) decides.

Programs run in a bubblewrap box (apt install bubblewrap); without it they are refused, unless --isolation accepts less.

Example:
  longcot grade --input responses.jsonl --out grades.jsonl --jobs 2`,
    );
  };
}

function codeReward(text: string): CodeReward {
  if (text === "all" || text === "fraction") return text;
  const power = Number(text);
  if (!(power > 0 && power < Infinity)) throw new InvalidArgumentError('Expected "all", "fraction" or a power above 0.');
  return { power };
}
