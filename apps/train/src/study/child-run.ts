// One training run of a study in a process of its own: started, listened to, stopped where it can be resumed.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { atomicWrite } from "@longcot/durable-files";
import type { TrainEvent } from "../events.ts";
import { writeRecipe } from "../recipe/load-recipe.ts";
import type { Recipe } from "../recipe/schema.ts";
import { RECIPE_FILE } from "../run/records.ts";
import type { RunStatus } from "./study-events.ts";

const PROGRAM = fileURLToPath(new URL("../main.ts", import.meta.url));

export interface ChildRun {
  recipe: Recipe;
  /** The run's folder; gone on with where it exists. */
  folder: string;
  /** Aborted: the run saves at its next safe point and ends as `interrupted`. */
  signal: AbortSignal;
  onEvent: (event: TrainEvent) => void;
}

export interface ChildOutcome {
  status: RunStatus;
  /** What the run said when it failed, one line. */
  error?: string;
}

/** Runs `longcot train` on the recipe to its end. A run that fails is an outcome, not an exception. */
export async function runChild({ recipe, folder, signal, onEvent }: ChildRun): Promise<ChildOutcome> {
  const target = existsSync(join(folder, RECIPE_FILE)) ? ["--resume"] : ["--recipe", writtenRecipe(folder, recipe)];
  // Detached: a Ctrl-C in the terminal reaches this process only, which passes it on once. If this process dies, the
  // child ends at its next event, since nobody reads it any more.
  const child = spawn(process.execPath, [...process.execArgv, PROGRAM, "train", ...target, "--run", folder, "--json"], {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stop = () => child.kill("SIGINT");
  const kill = () => child.kill("SIGKILL");
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop);
  process.on("exit", kill);
  let status: RunStatus | undefined;
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => {
    const event = JSON.parse(line) as TrainEvent;
    if (event.type === "done") status = event.status;
    onEvent(event);
  });
  const closed = new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(code));
  });
  try {
    const [code, complaint] = await Promise.all([closed, text(child.stderr)]);
    if (status !== undefined) return { status };
    if (signal.aborted) return { status: "interrupted" };
    const error =
      complaint
        .trim()
        .split("\n")
        .findLast((line) => line.startsWith("longcot")) ??
      complaint.trim().split("\n").at(-1) ??
      "";
    return { status: "failed", error: error === "" ? `ended with ${code === null ? "a signal" : `exit code ${code}`}` : error };
  } finally {
    signal.removeEventListener("abort", stop);
    process.off("exit", kill);
  }
}

/** The recipe as a file beside the run's folder, which must not exist before the run makes it. */
function writtenRecipe(folder: string, recipe: Recipe): string {
  const path = `${folder}.yaml`;
  mkdirSync(dirname(path), { recursive: true });
  atomicWrite(path, writeRecipe(recipe));
  return path;
}
