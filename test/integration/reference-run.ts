// One run of tiny.yaml without interruption, made before the tests: what the other runs are held against.
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { runLongcot, TINY_RECIPE } from "./longcot-process.ts";
import type { Finished } from "./longcot-process.ts";
import { scratchFolder } from "./scratch-folder.ts";

declare module "vitest" {
  interface ProvidedContext {
    reference: Reference;
  }
}

export interface Reference {
  /** Folder of the run. Read only. */
  run: string;
  finished: Finished;
}

/** Makes the run; its folder goes with the process. */
export default async function makeReference(project: TestProject): Promise<void> {
  const run = join(scratchFolder(), "reference");
  const finished = await runLongcot("train", "--recipe", TINY_RECIPE, "--run", run, "--json");
  if (finished.code !== 0) throw new Error(`the reference run failed: ${finished.stderr}`);
  project.provide("reference", { run, finished });
}
