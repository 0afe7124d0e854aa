// The folder of a study: its recipe, one run's folder per cell and seed, the cold starts they share, and how each run ended.
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { atomicWrite, JsonlLog, readLog } from "@longcot/durable-files";
import { ConfigError } from "@longcot/errors";
import { stringify } from "yaml";
import { lockRun } from "../run/run-lock.ts";
import type { RunLock } from "../run/run-lock.ts";
import type { RunName, RunStatus } from "./study-events.ts";
import type { StudyRecipe } from "./study-schema.ts";

export const STUDY_FILE = "study.yaml";
const OUTCOMES_FILE = "outcomes.jsonl";

/** A line of outcomes.jsonl: how a process of a run ended; the last line of a run counts. */
export interface RunOutcome extends RunName {
  status: RunStatus;
  seconds: number;
  error?: string;
}

/** A study's folder that this process has locked. */
export class StudyFolder {
  readonly path: string;
  readonly #lock: RunLock;
  readonly #outcomes: JsonlLog;

  constructor(path: string) {
    this.path = path;
    this.#lock = lockRun(path);
    this.#outcomes = new JsonlLog(join(path, OUTCOMES_FILE));
  }

  appendOutcome(outcome: RunOutcome): void {
    this.#outcomes.append([JSON.stringify(outcome)]);
    this.#outcomes.sync();
  }

  close(): void {
    this.#outcomes.close();
    this.#lock.release();
  }
}

/** Where the run of a cell under a seed lies. */
export const cellFolder = (study: string, { cell, seed }: RunName): string => join(study, "cells", cell, `seed-${seed}`);
/** Where the run that makes a cold start lies. */
export const coldStartFolder = (study: string, key: string): string => join(study, "cold-starts", key);

/** Makes the folder of a new study. @throws ConfigError if something is there already. */
export function createStudyFolder(path: string, recipe: StudyRecipe): StudyFolder {
  if (existsSync(path) && readdirSync(path).length > 0) {
    const fix = existsSync(join(path, STUDY_FILE))
      ? "Go on with that study by --resume, or choose another folder"
      : "Choose another folder";
    throw new ConfigError({ who: "--run", expected: "a folder that does not exist yet, or is empty", received: path, fix });
  }
  mkdirSync(path, { recursive: true });
  atomicWrite(join(path, STUDY_FILE), stringify(recipe, { lineWidth: 0 }));
  return new StudyFolder(path);
}

/** The text of the recipe that the study at `path` was started with. @throws ConfigError if there is no study. */
export function readStudyRecipe(path: string): { text: string; label: string } {
  const file = join(path, STUDY_FILE);
  if (!existsSync(file))
    throw new ConfigError({ who: "--run", expected: `a study's folder (one that holds ${STUDY_FILE})`, received: path });
  return { text: readFileSync(file, "utf8"), label: file };
}

/** The newest outcome of each run, by `cell/seed`. */
export function readOutcomes(path: string): Map<string, RunOutcome> {
  return new Map(readLog<RunOutcome>(join(path, OUTCOMES_FILE)).map((outcome) => [runKey(outcome), outcome]));
}

export const runKey = ({ cell, seed }: RunName): string => `${cell}/${seed}`;
