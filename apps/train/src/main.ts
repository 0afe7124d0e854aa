#!/usr/bin/env node
// The `longcot` program: pnpm longcot <command>. What a command needs is loaded when it runs, so that help and errors come at once.
import packageJson from "../package.json" with { type: "json" };
import { analyseCommand } from "./cli/analyse.ts";
import { benchCommand } from "./cli/bench.ts";
import { distillCommand } from "./cli/distill.ts";
import { doctorCommand } from "./cli/doctor.ts";
import { evalCommand } from "./cli/eval.ts";
import { filterCommand } from "./cli/filter.ts";
import { generateCommand } from "./cli/generate.ts";
import { gradeCommand } from "./cli/grade.ts";
import { inspectCommand } from "./cli/inspect.ts";
import { rewardModelCommand } from "./cli/reward-model.ts";
import { runCli } from "./cli/run-cli.ts";
import { scoreCommand } from "./cli/score.ts";
import { sftCommand } from "./cli/sft.ts";
import { studyCommand } from "./cli/study.ts";
import { tokenizeCommand } from "./cli/tokenize.ts";
import { trainCommand } from "./cli/train.ts";

// A reader that closes the pipe early (`longcot … --json | head`) is not an error of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));

const commands = [
  trainCommand({
    runTraining: async (job) => (await import("./training/run-training.ts")).runTraining(job),
    planTraining: async (recipe, emit) => (await import("./training/run-inputs.ts")).planTraining(recipe, emit),
    writeReport: async (runFolder) => (await import("./report/write-report.ts")).writeReport(runFolder),
  }),
  studyCommand,
  analyseCommand(async (options) => (await import("./analyse/analyse-run.ts")).analyseRun(options)),
  distillCommand(async () => ({ ...(await import("./distill/distill-recipe.ts")), ...(await import("./distill/run-distill.ts")) })),
  sftCommand(async () => await import("./sft/run-sft.ts")),
  scoreCommand(async (options) => (await import("./models/score-rows.ts")).scoreRows(options)),
  generateCommand(async (options) => (await import("./models/generate-rows.ts")).generateRows(options)),
  tokenizeCommand(async (options) => (await import("./models/tokenize-rows.ts")).tokenizeRows(options)),
  gradeCommand(async (options) => (await import("./models/grade-rows.ts")).gradeRows(options)),
  evalCommand(async () => ({ ...(await import("./eval/eval-plan.ts")), ...(await import("./eval/run-eval.ts")) })),
  filterCommand(async () => ({ ...(await import("./filter/filter-recipe.ts")), ...(await import("./filter/run-filter.ts")) })),
  rewardModelCommand(async () => ({
    ...(await import("./reward-model/mine-pair-files.ts")),
    ...(await import("./reward-model/make-steps.ts")),
    ...(await import("./reward-model/train-reward-model.ts")),
    ...(await import("./reward-model/evaluate-reward-model.ts")),
  })),
  inspectCommand(async (job) => (await import("./inspect/inspect-run.ts")).inspectRun(job)),
  doctorCommand(async (version) => (await import("./bench/examine-machine.ts")).examineMachine(version), packageJson.version),
  benchCommand(async (plan) => (await import("./bench/run-bench.ts")).runBench(plan)),
];

process.exitCode = await runCli(process.argv.slice(2), commands, packageJson.version);
