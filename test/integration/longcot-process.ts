// The `longcot` program as a child process: started as a user starts it, its events read as they come.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { TrainEvent } from "@longcot/train/src/events.ts";
import { STOP_AT } from "./stop-at-moment.ts";
import type { StopAt } from "./stop-at-moment.ts";

const PROGRAM = fileURLToPath(new URL("../../apps/train/src/main.ts", import.meta.url));
const STOPPER = new URL("stop-at-moment.ts", import.meta.url).href;

/** Recipe of the runs that these tests share. */
export const TINY_RECIPE = fileURLToPath(new URL("tiny.yaml", import.meta.url));
/** A Qwen2 of 130 k random parameters, with tokenizer and chat template. */
export const TINY_MODEL = fileURLToPath(new URL("../../packages/language-model/fixtures/tiny-qwen2", import.meta.url));
/** Path of a parquet file of verl's row schema. */
export const verlParquet = (name: string) =>
  fileURLToPath(new URL(`../../packages/data-filter/fixtures/verl-${name}.parquet`, import.meta.url));

export interface Finished {
  /** Null if a signal ended the process. */
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Started {
  child: ChildProcess;
  done: Promise<Finished>;
}

export interface StartOptions {
  /** Gets what a `--json` run prints, line by line, as soon as it is printed. */
  onEvent?: (event: TrainEvent, child: ChildProcess) => void;
  /** Where a `--json` run sends itself a signal. */
  stopAt?: StopAt;
}

/** Starts `longcot` with `args`. */
export function startLongcot(args: readonly string[], { onEvent, stopAt }: StartOptions = {}): Started {
  const preload = stopAt === undefined ? [] : ["--import", STOPPER];
  const env = stopAt === undefined ? process.env : { ...process.env, [STOP_AT]: JSON.stringify(stopAt) };
  const child = spawn(process.execPath, ["--conditions=longcot-source", ...preload, PROGRAM, ...args], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let rest = "";
  if (onEvent !== undefined) {
    child.stdout.on("data", (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split("\n");
      rest = lines.pop()!;
      for (const line of lines) onEvent(JSON.parse(line) as TrainEvent, child);
    });
  }
  const done = Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<[number | null, NodeJS.Signals | null]>((resolve) => child.on("close", (...end) => resolve(end))),
  ]).then(([stdout, stderr, [code, signal]]) => ({ code, signal, stdout, stderr }));
  return { child, done };
}

/** Runs `longcot` with `args` to its end. */
export const runLongcot = (...args: string[]): Promise<Finished> => startLongcot(args).done;

/** The events of a finished `--json` run. */
export function eventsOf({ stdout }: Finished): TrainEvent[] {
  return stdout
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as TrainEvent);
}
