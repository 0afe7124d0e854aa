// The rollouts of a run: an arena for the steps in memory, a file for each step on disk, and what a later process may use of them.
//
// A step's file is written twice: as soon as its responses are generated, and, in its place, once they are graded and scored. A process
// that goes on with the run uses what it finds there for the steps after its checkpoint, and generates nothing again.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { DataError, isLongcotError } from "@longcot/errors";
import { createArena, createRolloutWriter, readRolloutFile, stepByteLength, writeRolloutFile } from "@longcot/rollout-buffer";
import type { Arena, Rollouts, RolloutWriter, StepCapacity } from "@longcot/rollout-buffer";

const FILE_NAME = /^step-(\d{6,})\.arrow$/;

/** Bytes of older steps that are checked when a run goes on: some seconds of reading. The steps that it will use are always checked. */
const CHECKED_HISTORY_BYTES = 8 * 2 ** 30;

/** Responses grow during training: room to spare, so that the arena is rarely made anew. Untouched pages cost nothing. */
const ARENA_HEADROOM = 4;

/** Path of the file of `step` in the run's folder: rollouts/step-000012.arrow. */
export function rolloutPath(run: string, step: number): string {
  return join(run, "rollouts", `step-${String(step).padStart(6, "0")}.arrow`);
}

/** Steps that the run has a file of, rising. */
export function listRolloutSteps(run: string): number[] {
  const folder = join(run, "rollouts");
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .flatMap((name) => FILE_NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .toSorted((a, b) => a - b);
}

/** Owns the memory of a run's rollouts, and its folder rollouts/. */
export class RolloutStore {
  readonly run: string;
  #arena: Arena | undefined;

  constructor(run: string) {
    this.run = run;
  }

  /** A writer with room for a step of `capacity`. */
  createWriter(capacity: StepCapacity): RolloutWriter {
    const needed = stepByteLength(capacity);
    if (this.#arena === undefined || this.#arena.freeBytes < needed)
      this.#arena = createArena({ budgetBytes: Math.ceil(needed * ARENA_HEADROOM) });
    return createRolloutWriter(this.#arena, { optional: capacity.optional ?? [] });
  }

  /** Writes a sealed step durably, in place of an earlier file of it. */
  async write(rollouts: Rollouts): Promise<void> {
    const path = rolloutPath(this.run, rollouts.metadata.step);
    mkdirSync(join(this.run, "rollouts"), { recursive: true });
    await writeRolloutFile(path, rollouts);
  }

  /** The stored step, or undefined when there is no file of it. @throws DataError naming the file when it is damaged. */
  async read(step: number): Promise<Rollouts | undefined> {
    const path = rolloutPath(this.run, step);
    return existsSync(path) ? await readRolloutFile(path) : undefined;
  }
}

/** A file that cannot be read, and what is wrong with it. */
export interface DamagedRollouts {
  step: number;
  path: string;
  received: string;
}

/** The damaged files of a run, by step: of all steps after `checkpointStep`, and of as many before it as can be read in some seconds. */
export async function findDamagedRollouts(run: string, checkpointStep: number): Promise<DamagedRollouts[]> {
  const damaged: DamagedRollouts[] = [];
  let historyBytes = 0;
  for (const step of listRolloutSteps(run).toReversed()) {
    const path = rolloutPath(run, step);
    if (step <= checkpointStep) historyBytes += statSync(path).size;
    if (historyBytes > CHECKED_HISTORY_BYTES) break;
    const received = await describeDamage(path);
    if (received !== undefined) damaged.push({ step, path, received });
  }
  return damaged.toReversed();
}

/** What is wrong with the file, in words; undefined when it is whole. */
export async function describeDamage(path: string): Promise<string | undefined> {
  try {
    await readRolloutFile(path);
    return undefined;
  } catch (error) {
    if (isLongcotError(error)) return error.received;
    throw error;
  }
}

/** Takes the files of `from` and of later steps out of the run: damaged ones stay beside their place under another name. */
export function discardRollouts(run: string, from: number, damaged: readonly DamagedRollouts[]): void {
  const isDamaged = new Set(damaged.map(({ step }) => step));
  for (const step of listRolloutSteps(run).filter((found) => found >= from)) {
    const path = rolloutPath(run, step);
    if (isDamaged.has(step)) renameSync(path, `${path}.damaged`);
    else rmSync(path);
  }
}

/** The error that stops a run with damaged files, unless it was told to go back. */
export function damageError([first, ...others]: readonly DamagedRollouts[]): DataError {
  return new DataError({
    who: "--resume",
    argument: first!.path,
    expected: "a whole rollout file",
    received: `${first!.received}${others.length === 0 ? "" : `; so are ${others.map(({ path }) => basename(path)).join(", ")}`}`,
    fix: "Restore it, or add --from-last-good-step: the run goes back before that step and generates again from there",
  });
}
