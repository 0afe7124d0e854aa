// A folder of longcot's commands, each of which runs once: what ended well before is not run again, and a training that was interrupted goes on.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { atomicWrite } from "@longcot/durable-files";
import { RECIPE_FILE } from "../src/run/records.ts";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));

/** The steps of `folder`, which is made. Of the step NAME the outcome stands in NAME.jsonl and the progress in NAME.log. */
export function longcotSteps(folder: string) {
  mkdirSync(folder, { recursive: true });

  /** Runs a command to its end; gives the last line that it printed. */
  async function step<T>(name: string, arguments_: readonly string[]): Promise<T> {
    const outcome = join(folder, `${name}.jsonl`);
    if (!existsSync(outcome)) {
      const progress = join(folder, `${name}.log`);
      process.stderr.write(`longcot ${arguments_.join(" ")}: progress in ${progress}\n`);
      const log = openSync(progress, "a");
      const child = spawn(process.execPath, [...process.execArgv, MAIN, ...arguments_, "--json"], { stdio: ["ignore", "pipe", log] });
      const [printed, [code]] = await Promise.all([text(child.stdout!), once(child, "close")]);
      closeSync(log);
      if (code !== 0) throw new Error(`longcot ${arguments_.join(" ")} ended with ${code}; see ${progress}`);
      atomicWrite(outcome, printed);
    }
    return JSON.parse(readFileSync(outcome, "utf8").trimEnd().split("\n").at(-1)!) as T;
  }

  /** As {@link step}, for a `command` that trains, in the folder of its name; the `options` of a begun one are settled there. */
  function training<T>(name: string, command: readonly string[], options: readonly string[]): Promise<T> {
    const run = join(folder, name);
    const isBegun = existsSync(join(run, RECIPE_FILE));
    return step<T>(name, [...command, ...(isBegun ? ["--resume"] : options), "--run", run]);
  }

  return { step, training };
}
