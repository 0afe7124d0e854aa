#!/usr/bin/env node
// The `longcot` program: pnpm longcot <command>. What a command needs is loaded when it runs, so that help and errors come at once.
import packageJson from "../package.json" with { type: "json" };
import { runCli } from "./cli/run-cli.ts";
import { trainCommand } from "./cli/train.ts";

// A reader that closes the pipe early (`longcot … --json | head`) is not an error of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));

const commands = [
  trainCommand({
    runTraining: async (job) => (await import("./training/run-training.ts")).runTraining(job),
    writeReport: async (runFolder) => (await import("./report/write-report.ts")).writeReport(runFolder),
  }),
];

process.exitCode = await runCli(process.argv.slice(2), commands, packageJson.version);
