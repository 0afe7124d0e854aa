// The folder of a fine-tuning: recipe, logs, checkpoints, and `model`, a link to the newest checkpoint's.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { atomicFolder, atomicLink, cutLog, JsonlLog, removeLeftovers } from "@longcot/durable-files";
import { ConfigError } from "@longcot/errors";
import type { LevelResult, Metrics } from "../events.ts";
import { amendCheckpoint, checkpointName, findCheckpoint, saveCheckpoint } from "../run/checkpoints.ts";
import type { Checkpoint, FillCheckpoint } from "../run/checkpoints.ts";
import { EventFile } from "../run/event-file.ts";
import { metricsLine } from "../run/metrics-line.ts";
import { EVALUATIONS_FILE, METRICS_FILE, RECIPE_FILE } from "../run/records.ts";
import { checkRunPath } from "../run/run-folder.ts";
import { lockRun } from "../run/run-lock.ts";
import type { RunLock } from "../run/run-lock.ts";
import { resolveSftRecipe, writeSftRecipe } from "./sft-recipe.ts";
import type { SftRecipe } from "./sft-recipe.ts";

const LOGS = [METRICS_FILE, EVALUATIONS_FILE] as const;
/** The model as it is after the newest checkpoint. */
export const MODEL_LINK = "model";

/** A line of evaluations.jsonl: the validation loss (nats per completion token) and avg@k, each where there is data for it. */
export interface SftEvaluation {
  step: number;
  label: string;
  validation_loss?: number;
  samples_per_prompt?: number;
  temperature?: number;
  results?: LevelResult[];
}

/** A fine-tuning that this process has locked and may write. Close it at the end. */
export class SftFolder {
  readonly path: string;
  /** What to go on from; undefined at the beginning. */
  readonly checkpoint: Checkpoint | undefined;
  readonly #keep: number;
  readonly #lock: RunLock;
  readonly #metrics: JsonlLog;
  readonly #evaluations: JsonlLog;
  readonly #events: EventFile;

  constructor(path: string, keep: number, checkpoint: Checkpoint | undefined, lock: RunLock) {
    this.path = path;
    this.checkpoint = checkpoint;
    this.#keep = keep;
    this.#lock = lock;
    for (const log of LOGS) cutLog(join(path, log), checkpoint?.logs[log] ?? 0);
    this.#metrics = new JsonlLog(join(path, METRICS_FILE));
    this.#evaluations = new JsonlLog(join(path, EVALUATIONS_FILE));
    this.#events = new EventFile(join(path, "tensorboard"), checkpoint === undefined ? 0 : checkpoint.step + 1);
    if (checkpoint !== undefined) this.#pointTo(checkpoint.step);
  }

  appendMetrics(step: number, metrics: Metrics): void {
    this.#metrics.append([metricsLine({ ...metrics, "training/global_step": step })]);
    this.#events.append(step, metrics);
  }

  appendEvaluation(record: SftEvaluation): void {
    this.#evaluations.append([JSON.stringify(record)]);
    const { step, validation_loss: loss, samples_per_prompt: k, results = [] } = record;
    this.#events.append(step, {
      ...(loss === undefined ? {} : { "val/loss": loss }),
      ...Object.fromEntries(results.map(({ level, avg_at_k }) => [`val-core/${level}/acc/mean@${k}`, avg_at_k])),
    });
  }

  /** Saves the checkpoint of `step`, whole or not at all, drops old ones, and points `model` to it. */
  async saveCheckpoint(step: number, fill: FillCheckpoint): Promise<void> {
    await saveCheckpoint(join(this.path, "checkpoints"), step, this.#syncedSizes(), this.#keep, fill);
    this.#pointTo(step);
  }

  /** Makes `model` the model of the checkpoint of `step`, in one move. */
  #pointTo(step: number): void {
    atomicLink(join(this.path, MODEL_LINK), join("checkpoints", checkpointName(step), "model"));
  }

  /** Makes the newest checkpoint go on from `state` and from the logs as they are now. */
  amendCheckpoint(step: number, state: unknown): void {
    amendCheckpoint(join(this.path, "checkpoints"), step, this.#syncedSizes(), state);
  }

  #syncedSizes(): Record<string, number> {
    const logs = { [METRICS_FILE]: this.#metrics, [EVALUATIONS_FILE]: this.#evaluations };
    for (const log of Object.values(logs)) log.sync();
    return Object.fromEntries(Object.entries(logs).map(([name, log]) => [name, log.size]));
  }

  close(): void {
    this.#metrics.close();
    this.#evaluations.close();
    this.#events.close();
    this.#lock.release();
  }
}

/** Makes a new folder at `path`. @throws ConfigError if something is there already. */
export async function createSftFolder(path: string, recipe: SftRecipe): Promise<SftFolder> {
  return await createTrainingFolder(path, { recipe: writeSftRecipe(recipe), keep: recipe.checkpoint.keep });
}

/** {@link createSftFolder} of a training with another kind of recipe, given as YAML; the newest `keep` checkpoints stay. */
export async function createTrainingFolder(path: string, { recipe, keep }: { recipe: string; keep: number }): Promise<SftFolder> {
  checkRunPath(path);
  mkdirSync(dirname(path), { recursive: true });
  await atomicFolder(path, (aside) => writeFileSync(join(aside, RECIPE_FILE), recipe));
  return new SftFolder(path, keep, undefined, lockRun(path));
}

/** Opens the folder at `path` to go on from its newest intact checkpoint; a warning for every damaged one that was passed over. */
export function openSftFolder(path: string, recipe: Pick<SftRecipe, "checkpoint">): { folder: SftFolder; warnings: string[] } {
  const lock = lockRun(path);
  try {
    removeLeftovers(path);
    const { checkpoint, broken } = findCheckpoint(join(path, "checkpoints"));
    return {
      folder: new SftFolder(path, recipe.checkpoint.keep, checkpoint, lock),
      warnings: broken.map((text) => `passed over a damaged checkpoint: ${text}`),
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** The recipe of the fine-tuning at `path`. @throws ConfigError if there is none. */
export function readSftRecipe(path: string): SftRecipe {
  const file = join(path, RECIPE_FILE);
  if (!existsSync(file))
    throw new ConfigError({ who: "--run", expected: `the folder of a fine-tuning (one that holds ${RECIPE_FILE})`, received: path });
  return resolveSftRecipe({ text: readFileSync(file, "utf8"), label: file });
}
