// The folder of one run: made whole, locked, appended to, checkpointed, and opened again to go on as if nothing had happened.
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { atomicFolder, atomicWrite, cutLog, JsonlLog, readLog, removeLeftovers } from "@longcot/durable-files";
import { ConfigError } from "@longcot/errors";
import type { Metrics } from "../events.ts";
import { resolveRecipe, writeRecipe } from "../recipe/load-recipe.ts";
import type { Recipe } from "../recipe/schema.ts";
import { amendCheckpoint, findCheckpoint, findCheckpointBefore, removeCheckpointsFrom, saveCheckpoint } from "./checkpoints.ts";
import type { Checkpoint, FillCheckpoint } from "./checkpoints.ts";
import { EventFile } from "./event-file.ts";
import { metricsLine } from "./metrics-line.ts";
import { ALARMS_FILE, ENVIRONMENT_FILE, EVALUATIONS_FILE, METRICS_FILE, PASS_RATES_FILE, RECIPE_FILE, SAMPLES_FILE } from "./records.ts";
import type { AlarmRecord, EnvironmentRecord, EvaluationRecord, PassRateRecord, SampleRecord } from "./records.ts";
import { damageError, discardRollouts, findDamagedRollouts, RolloutStore } from "./rollout-store.ts";
import type { DamagedRollouts } from "./rollout-store.ts";
import { lockRun } from "./run-lock.ts";
import type { RunLock } from "./run-lock.ts";

const LOGS = [METRICS_FILE, EVALUATIONS_FILE, SAMPLES_FILE, PASS_RATES_FILE] as const;

/** A run that this process has locked and may write. {@link RunFolder.close} it at the end. */
export class RunFolder {
  readonly path: string;
  readonly recipe: Recipe;
  /** What to go on from; undefined if the run starts from the beginning. */
  readonly checkpoint: Checkpoint | undefined;
  readonly rollouts: RolloutStore;
  readonly #lock: RunLock;
  readonly #logs: Record<(typeof LOGS)[number], JsonlLog>;
  #events: EventFile;

  constructor(path: string, recipe: Recipe, checkpoint: Checkpoint | undefined, lock: RunLock) {
    this.path = path;
    this.recipe = recipe;
    this.checkpoint = checkpoint;
    this.rollouts = new RolloutStore(path);
    this.#lock = lock;
    this.#logs = {
      [METRICS_FILE]: this.#open(METRICS_FILE),
      [EVALUATIONS_FILE]: this.#open(EVALUATIONS_FILE),
      [SAMPLES_FILE]: this.#open(SAMPLES_FILE),
      [PASS_RATES_FILE]: this.#open(PASS_RATES_FILE),
    };
    this.#events = new EventFile(join(path, "tensorboard"), checkpoint === undefined ? 0 : checkpoint.step + 1);
  }

  /** Folder for the generated data set; made on first use. */
  get dataFolder(): string {
    return this.#made("data");
  }

  /** Appends one step to metrics.jsonl and to the event file. @throws NumericError if a value is not finite; nothing is written then. */
  appendMetrics(step: number, metrics: Metrics): void {
    this.#logs[METRICS_FILE].append([metricsLine({ ...metrics, "training/global_step": step })]);
    this.#events.append(step, metrics);
  }

  /** Appends one evaluation, and its figures under verl's names to the event file. */
  appendEvaluation(evaluation: EvaluationRecord): void {
    this.#logs[EVALUATIONS_FILE].append([JSON.stringify(evaluation)]);
    const k = evaluation.samples_per_prompt;
    const scalars = evaluation.results.flatMap((result): [string, number][] => [
      [`val-core/${result.level}/acc/mean@${k}`, result.avg_at_k],
      [`val-core/${result.level}/acc/best@${k}`, result.pass_at_k],
    ]);
    this.#events.append(evaluation.step, Object.fromEntries(scalars));
  }

  /** Appends responses worth reading: a few of each step, right and wrong. */
  appendSamples(samples: readonly SampleRecord[]): void {
    this.#logs[SAMPLES_FILE].append(samples.map((sample) => JSON.stringify(sample)));
  }

  /** Appends how the groups of a step came out. */
  appendPassRates(record: PassRateRecord): void {
    this.#logs[PASS_RATES_FILE].append([JSON.stringify(record)]);
  }

  /** The evaluations so far. */
  readEvaluations(): EvaluationRecord[] {
    return readLog<EvaluationRecord>(this.#logs[EVALUATIONS_FILE].path);
  }

  /** How the groups of every step so far came out. */
  readPassRates(): PassRateRecord[] {
    return readLog<PassRateRecord>(this.#logs[PASS_RATES_FILE].path);
  }

  /** The metrics of every step so far. */
  readMetrics(): Metrics[] {
    return readLog<Metrics>(this.#logs[METRICS_FILE].path);
  }

  /** Appends an alarm. Unlike the other logs this one keeps what happened before a roll-back. */
  appendAlarm(alarm: AlarmRecord): void {
    const log = this.#open(ALARMS_FILE);
    log.append([JSON.stringify(alarm)]);
    log.close();
  }

  /** The newest intact checkpoint of at most `step` steps, or the oldest. @throws DataError if there is none. */
  checkpointBefore(step: number): Checkpoint {
    return findCheckpointBefore(join(this.path, "checkpoints"), step);
  }

  /**
   * Makes the run one that has just made `checkpoint`: later checkpoints and rollouts go, every log is cut to what the checkpoint remembers,
   * and `state` is what a resume goes on from. Killed in between, the run goes on from `checkpoint` as it was, and comes here again.
   */
  rollBackTo(checkpoint: Checkpoint, state: unknown): void {
    removeCheckpointsFrom(join(this.path, "checkpoints"), checkpoint.step + 1);
    discardRollouts(this.path, checkpoint.step + 1, []);
    for (const log of LOGS) cutLog(join(this.path, log), checkpoint.logs[log] ?? 0);
    this.amendCheckpoint(checkpoint.step, state);
    this.#events.close();
    this.#events = new EventFile(join(this.path, "tensorboard"), checkpoint.step + 1);
  }

  /** Writes what the run runs on. */
  writeEnvironment(environment: EnvironmentRecord): void {
    atomicWrite(join(this.path, ENVIRONMENT_FILE), `${JSON.stringify(environment, null, 2)}\n`);
  }

  /**
   * Saves checkpoints/step-…, whole or not at all, with the length of every log as it is now, and drops old ones.
   * Call it after everything of `step` is appended. @returns the checkpoint's folder.
   */
  async saveCheckpoint(step: number, fill: FillCheckpoint): Promise<string> {
    return await saveCheckpoint(join(this.path, "checkpoints"), step, this.#syncedSizes(), this.recipe.checkpoint.keep, fill);
  }

  /** Makes the checkpoint of `step` go on from `state` and from the logs as they are now; its weights stay. */
  amendCheckpoint(step: number, state: unknown): void {
    amendCheckpoint(join(this.path, "checkpoints"), step, this.#syncedSizes(), state);
  }

  /** Closes the files and frees the lock. */
  close(): void {
    for (const log of LOGS) this.#logs[log].close();
    this.#events.close();
    this.#lock.release();
  }

  #syncedSizes(): Record<string, number> {
    for (const log of LOGS) this.#logs[log].sync();
    return Object.fromEntries(LOGS.map((log) => [log, this.#logs[log].size]));
  }

  #open(name: string): JsonlLog {
    return new JsonlLog(join(this.path, name));
  }

  #made(name: string): string {
    const folder = join(this.path, name);
    mkdirSync(folder, { recursive: true });
    return folder;
  }
}

/** `runs/quickstart-20261123-001655`: where a run goes if nobody says where. */
export function defaultRunPath({ name }: { name: string }, now = new Date()): string {
  const stamp = now
    .toISOString()
    .replaceAll(/[-:]|\.\d+Z$/g, "")
    .replace("T", "-");
  const base = join("runs", `${name}-${stamp}`);
  for (let i = 1; ; i++) {
    const path = i === 1 ? base : `${base}-${i}`;
    if (!existsSync(path)) return path;
  }
}

/** @throws ConfigError if something is at `path` already, so that no run can be overwritten. */
export function checkRunPath(path: string): void {
  if (!existsSync(path) || (statSync(path).isDirectory() && readdirSync(path).length === 0)) return;
  const fix = existsSync(join(path, RECIPE_FILE)) ? "Go on with that run by --resume, or choose another folder" : "Choose another folder";
  throw new ConfigError({ who: "--run", expected: "a folder that does not exist yet, or is empty", received: path, fix });
}

/** Makes a new run at `path` with its recipe, and locks it. @throws ConfigError if something is there already. */
export async function createRunFolder(path: string, recipe: Recipe): Promise<RunFolder> {
  checkRunPath(path);
  mkdirSync(dirname(path), { recursive: true });
  await atomicFolder(path, (aside) => writeFileSync(join(aside, RECIPE_FILE), writeRecipe(recipe)));
  return new RunFolder(path, recipe, undefined, lockRun(path));
}

/**
 * Opens the run at `path` to go on from its newest intact checkpoint, or from the beginning if it has none: locks it, clears
 * what was half-written, and cuts every log to the length that the checkpoint remembers. Rollouts of later steps stay: they will be used.
 * With `fromLastGoodStep`, damaged rollouts send it back to the newest checkpoint before them; what came after is generated again.
 * @returns the run and a warning for everything damaged that was passed over.
 * @throws ConfigError if there is no run at `path` or another process trains it; DataError if a log has lost lines, or naming damaged
 * rollouts without `fromLastGoodStep`.
 */
export async function openRunFolder(
  path: string,
  { fromLastGoodStep = false }: { fromLastGoodStep?: boolean } = {},
): Promise<{ run: RunFolder; warnings: string[] }> {
  const recipe = readRunRecipe(path);
  const lock = lockRun(path);
  try {
    for (const folder of [".", "data", "data/tokenizer", "report", "rollouts"]) removeLeftovers(join(path, folder));
    const checkpoints = join(path, "checkpoints");
    const newest = findCheckpoint(checkpoints);
    const damaged = await findDamagedRollouts(path, newest.checkpoint?.step ?? 0);
    if (damaged.length > 0 && !fromLastGoodStep) throw damageError(damaged);
    const { checkpoint, broken } = damaged.length === 0 ? newest : goBackBefore(path, damaged);
    for (const log of LOGS) cutLog(join(path, log), checkpoint?.logs[log] ?? 0);
    return {
      run: new RunFolder(path, recipe, checkpoint, lock),
      warnings: [
        ...broken.map((text) => `passed over a damaged checkpoint: ${text}`),
        ...damaged.map(
          (file) =>
            `${file.path} is damaged (${file.received}): went back to step ${checkpoint?.step ?? 0}; kept as ${basename(file.path)}.damaged`,
        ),
      ],
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Takes out of the run what came with or after the first of the `damaged` steps. @returns the newest checkpoint before it. */
function goBackBefore(path: string, damaged: readonly DamagedRollouts[]): ReturnType<typeof findCheckpoint> {
  const first = damaged[0]!.step;
  discardRollouts(path, first, damaged);
  removeCheckpointsFrom(join(path, "checkpoints"), first);
  return findCheckpoint(join(path, "checkpoints"));
}

/** The recipe that the run at `path` was started with. @throws ConfigError if there is no run; `who` named it. */
export function readRunRecipe(path: string, who = "--run"): Recipe {
  const file = join(path, RECIPE_FILE);
  if (!existsSync(file)) throw new ConfigError({ who, expected: `a run's folder (one that holds ${RECIPE_FILE})`, received: path });
  return resolveRecipe({ text: readFileSync(file, "utf8"), label: file }).recipe;
}

/** The newest run under `root`. @throws ConfigError if there is none. */
export function findNewestRun(root = "runs"): string {
  const runs = existsSync(root)
    ? readdirSync(root)
        .map((name) => join(root, name))
        .filter((path) => existsSync(join(path, RECIPE_FILE)))
    : [];
  const newest = runs.toSorted((a, b) => statSync(join(a, RECIPE_FILE)).mtimeMs - statSync(join(b, RECIPE_FILE)).mtimeMs).at(-1);
  if (newest === undefined)
    throw new ConfigError({ who: "--resume", expected: `a run under ${root}/`, received: "none", fix: "Name it by --run" });
  return newest;
}
