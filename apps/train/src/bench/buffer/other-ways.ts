// What moving the rows of a step costs otherwise: structured clone (postMessage of ordinary arrays), JSON, and Python's pickle. Each there and
// back, in one thread: making the message and reading it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { Rollouts } from "@longcot/rollout-buffer";
import { TOKEN_COLUMNS } from "./sample-step.ts";

/** Rows in one message of the ways whose messages have a size limit: a group. */
const ROWS_PER_MESSAGE = 16;
/** JSON and pickle take a minute for a GiB: so many messages are timed, and count for all. */
const TIMED_MESSAGES = 48;
const PICKLER = fileURLToPath(new URL("pickle_rows.py", import.meta.url));
/** Typecodes of Python's array module. */
const TYPECODES = new Map<Function, string>([
  [Int32Array, "i"],
  [Uint8Array, "B"],
  [Float32Array, "f"],
]);

type Row = Record<(typeof TOKEN_COLUMNS)[number], Int32Array | Float32Array | Uint8Array>;

/** The token columns of row `row`, copied out of shared memory, which a clone would only share. */
function copyRow(rollouts: Rollouts, row: number): Row {
  const cut = TOKEN_COLUMNS.map((name) => {
    const { values, offsets } = rollouts.viewPerToken(name);
    return [name, values.slice(offsets[row], offsets[row + 1])];
  });
  return Object.fromEntries(cut) as Row;
}

/** Every message of the step in turn, or about `most` of them, evenly spread. */
function* messages(rollouts: Rollouts, most = Infinity): Generator<Row[]> {
  const every = Math.max(1, Math.floor(rollouts.length / ROWS_PER_MESSAGE / most));
  for (let from = 0; from < rollouts.length; from += every * ROWS_PER_MESSAGE)
    yield Array.from({ length: Math.min(ROWS_PER_MESSAGE, rollouts.length - from) }, (_, i) => copyRow(rollouts, from + i));
}

/** Seconds for all rows, from those of about `most` messages. */
function timeMessages(rollouts: Rollouts, most: number, send: (rows: Row[]) => unknown): number {
  let [milliseconds, sent] = [0, 0];
  for (const rows of messages(rollouts, most)) {
    const start = performance.now();
    send(rows);
    milliseconds += performance.now() - start;
    sent += rows.length;
  }
  return ((milliseconds / 1000) * rollouts.length) / sent;
}

/** Seconds to clone every row. */
export const timeStructuredClone = (rollouts: Rollouts): number => timeMessages(rollouts, Infinity, (rows) => structuredClone(rows));

/** Seconds to write all rows as JSON and to parse them. */
export function timeJson(rollouts: Rollouts): number {
  return timeMessages(rollouts, TIMED_MESSAGES, (rows) => {
    const plain = rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, values]) => [name, Array.from(values)])));
    return JSON.parse(JSON.stringify(plain));
  });
}

/** Seconds that `python` takes to pickle and unpickle all rows, or why it cannot. */
export async function timePickle(rollouts: Rollouts, python: string): Promise<{ arrays: number; lists: number } | string> {
  const child = spawn(python, [PICKLER], { stdio: ["pipe", "pipe", "pipe"] });
  const failed = new Promise<string>((resolve) => child.once("error", ({ message }) => resolve(message)));
  // A program that ends early closes its input; what it said is read below.
  child.stdin.on("error", () => {});
  const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, "close").catch(() => undefined)]);
  const write = async (bytes: Uint8Array): Promise<void> => {
    if (!child.stdin.write(bytes)) await Promise.race([once(child.stdin, "drain"), ended]);
  };
  const columns = TOKEN_COLUMNS.map((name) => [name, TYPECODES.get(rollouts.viewPerToken(name).values.constructor)]);
  await write(Buffer.from(`${JSON.stringify({ group: ROWS_PER_MESSAGE, columns })}\n`));
  let sent = 0;
  for (const rows of messages(rollouts, TIMED_MESSAGES)) {
    sent += rows.length;
    if (child.pid === undefined || child.exitCode !== null) break;
    for (const row of rows) {
      await write(new Uint8Array(Uint32Array.of(row.response_tokens.length).buffer));
      for (const name of TOKEN_COLUMNS) await write(new Uint8Array(row[name].buffer, row[name].byteOffset, row[name].byteLength));
    }
  }
  child.stdin.end();
  if (child.pid === undefined) return await failed;
  const [out, errors] = await ended;
  if (child.exitCode !== 0) return errors.trim().split("\n").at(-1) || `exit code ${child.exitCode}`;
  const { arrays, lists } = JSON.parse(out) as { arrays: number; lists: number };
  const share = sent / rollouts.length;
  return { arrays: arrays / share, lists: lists / share };
}
