// The folder checkpoints/ of a run: one whole folder per saved step, the newest few kept, the newest intact one found.
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { atomicFolder, atomicRemove, atomicWrite, removeLeftovers } from "@longcot/durable-files";
import { DataError } from "@longcot/errors";

const STATE_FILE = "state.json";
const SCHEMA_VERSION = 1;

/** state.json: what is needed to go on, beside the weights. */
interface StateFile {
  schema_version: number;
  step: number;
  /** Bytes of each log when the checkpoint was made: what came later is cut on resume. */
  logs: Record<string, number>;
  /** Bytes of each file of the checkpoint, by path with forward slashes; a file that is missing or shorter makes it broken. */
  files: Record<string, number>;
  /** What the loop asked to be given back. */
  state: unknown;
}

export interface Checkpoint {
  /** Steps done; 0 is the model after the cold start. */
  step: number;
  folder: string;
  logs: Record<string, number>;
  /** What the loop returned when it filled the checkpoint, through JSON. */
  state: unknown;
}

/** Writes into the empty folder it is given (model/, optimizer.safetensors, …) and returns JSON for state.json. */
export type FillCheckpoint = (folder: string) => Promise<unknown>;

/**
 * Saves `checkpoints/step-000120`, whole or not at all, and removes all but the newest `keep`.
 * A step that is saved intact stays as it is, without calling `fill`: steps are deterministic, so it would come out the same.
 */
export async function saveCheckpoint(
  root: string,
  step: number,
  logs: Record<string, number>,
  keep: number,
  fill: FillCheckpoint,
): Promise<string> {
  mkdirSync(root, { recursive: true });
  const folder = join(root, checkpointName(step));
  if (existsSync(folder)) {
    if (isIntact(folder)) return folder;
    atomicRemove(folder);
  }
  await atomicFolder(folder, async (aside) => {
    const state = await fill(aside);
    const content: StateFile = { schema_version: SCHEMA_VERSION, step, logs, files: sizesOf(aside), state: state ?? null };
    writeFileSync(join(aside, STATE_FILE), stateText(content));
  });
  for (const old of checkpointFolders(root).slice(0, -keep)) atomicRemove(join(root, old));
  return folder;
}

/** Replaces the state and the logs' lengths of a saved checkpoint, whose weights stay. @throws DataError if it is not there, or damaged. */
export function amendCheckpoint(root: string, step: number, logs: Record<string, number>, state: unknown): void {
  const folder = join(root, checkpointName(step));
  atomicWrite(join(folder, STATE_FILE), stateText({ ...readState(folder), logs, state }));
}

function stateText(content: StateFile): string {
  return `${JSON.stringify(content, null, 2)}\n`;
}

/** `step-000120`. */
export function checkpointName(step: number): string {
  return `step-${String(step).padStart(6, "0")}`;
}

/**
 * The newest checkpoint whose files are all there, or undefined.
 * `broken` tells of newer ones that are damaged (by a disk, say: a kill cannot leave one), newest first, each in one line.
 */
export function findCheckpoint(root: string): { checkpoint: Checkpoint | undefined; broken: string[] } {
  const broken: string[] = [];
  if (!existsSync(root)) return { checkpoint: undefined, broken };
  removeLeftovers(root);
  for (const name of checkpointFolders(root).toReversed()) {
    try {
      return { checkpoint: readCheckpoint(join(root, name)), broken };
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      broken.push(error.message);
    }
  }
  return { checkpoint: undefined, broken };
}

/**
 * The newest intact checkpoint of at most `step` steps, or the oldest there is.
 * @throws DataError if there is none.
 */
export function findCheckpointBefore(root: string, step: number): Checkpoint {
  const intact = checkpointFolders(root)
    .map((name) => join(root, name))
    .filter(isIntact)
    .map(readCheckpoint);
  const found = intact.findLast((checkpoint) => checkpoint.step <= step) ?? intact[0];
  if (found === undefined) throw new DataError({ who: root, expected: "an intact checkpoint to go back to", received: "none" });
  return found;
}

/** Steps of the checkpoints in `root`, rising; looks at names only. */
export function listCheckpointSteps(root: string): number[] {
  return existsSync(root) ? checkpointFolders(root).map((name) => Number(name.slice(5))) : [];
}

/** Removes the checkpoints of `step` and of later steps, the newest first: whatever is left leads on from before `step`. */
export function removeCheckpointsFrom(root: string, step: number): void {
  if (!existsSync(root)) return;
  for (const name of checkpointFolders(root).toReversed()) if (Number(name.slice(5)) >= step) atomicRemove(join(root, name));
}

/** Reads one checkpoint. @throws DataError if state.json or any file is missing, cut short or of another version. */
export function readCheckpoint(folder: string): Checkpoint {
  const { step, logs, state } = readState(folder);
  return { step, folder, logs, state };
}

function readState(folder: string): StateFile {
  const path = join(folder, STATE_FILE);
  if (!existsSync(path)) throw new DataError({ who: folder, expected: `a checkpoint with ${STATE_FILE}`, received: "none" });
  let content: StateFile;
  try {
    content = JSON.parse(readFileSync(path, "utf8")) as StateFile;
  } catch (cause) {
    throw new DataError({ who: path, expected: "JSON", received: "something else", cause });
  }
  if (content.schema_version !== SCHEMA_VERSION)
    throw new DataError({
      who: path,
      argument: "schema_version",
      expected: String(SCHEMA_VERSION),
      received: String(content.schema_version),
    });
  const found = sizesOf(folder);
  for (const [file, size] of Object.entries(content.files)) {
    if (found[file] !== size)
      throw new DataError({
        who: folder,
        argument: file,
        expected: `${size} bytes long`,
        received: found[file] === undefined ? "no such file" : `${found[file]} bytes`,
      });
  }
  return content;
}

function isIntact(folder: string): boolean {
  try {
    readCheckpoint(folder);
    return true;
  } catch (error) {
    if (error instanceof DataError) return false;
    throw error;
  }
}

function checkpointFolders(root: string): string[] {
  return readdirSync(root)
    .filter((name) => /^step-\d{6,}$/.test(name))
    .toSorted((a, b) => Number(a.slice(5)) - Number(b.slice(5)));
}

function sizesOf(folder: string): Record<string, number> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map((entry) => join(entry.parentPath, entry.name)).filter((path) => path !== join(folder, STATE_FILE));
  return Object.fromEntries(
    paths
      .map((path) => [path.slice(folder.length + 1).replaceAll("\\", "/"), statSync(path).size])
      .toSorted((a, b) => (a[0]! < b[0]! ? -1 : 1)),
  );
}
