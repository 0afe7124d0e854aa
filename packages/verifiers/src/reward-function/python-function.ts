// A function in a Python file, called through a Python process: a line of JSON each way.
import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { DataError } from "@longcot/errors";
import type { RemoteFunction } from "./function-grader.ts";
import { DEFAULT_NAMES, type RewardFunctionOptions } from "./reward-function.ts";

const HOST = fileURLToPath(
  new URL(import.meta.url.endsWith(".ts") ? "./longcot_reward_host.py" : "../src/reward-function/longcot_reward_host.py", import.meta.url),
);

/**
 * Starts Python with the file loaded. The process ends with this one; when it dies by itself, so does this one, and the pool tries again.
 * @throws DataError where it does not start, or the file does not load.
 */
export async function openPythonFunction({
  path,
  name,
  signature = "verl",
  python = "python3",
}: RewardFunctionOptions): Promise<RemoteFunction> {
  const names = (name === undefined ? DEFAULT_NAMES[signature] : [name]).filter((candidate) => candidate !== "default");
  const child = spawn(python, ["-u", HOST, resolve(path), signature, ...names], { stdio: ["pipe", "pipe", "inherit"] });
  const started = Promise.withResolvers<Reply>();
  const waiting: ((reply: Reply) => void)[] = [started.resolve];
  let isUp = false;
  child.stdin.on("error", () => {});
  child.once("error", (error) => started.resolve({ error: error.message }));
  child.once("close", (code, signal) => {
    if (isUp) process.exit(1);
    started.resolve({ error: `${python} ended with ${signal ?? `exit code ${code}`}` });
  });
  createInterface(child.stdout).on("line", (line) => waiting.shift()?.(JSON.parse(line) as Reply));
  const { error } = await started.promise;
  if (error !== undefined)
    throw new DataError({ who: path, expected: `a Python file that loads and has ${names.join(" or ")}`, received: error });
  isUp = true;
  return async (args) => {
    const reply = await new Promise<Reply>((answered) => {
      waiting.push(answered);
      child.stdin.write(`${JSON.stringify(args)}\n`);
    });
    if (reply.error !== undefined) throw new Error(reply.error);
    return reply.answer;
  };
}

interface Reply {
  readonly answer?: unknown;
  readonly error?: string;
}
