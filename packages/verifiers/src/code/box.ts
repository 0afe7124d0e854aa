// One box: the forkserver's process, seen from outside. Runs one program at a time and says how it ended.
import { spawn, type ChildProcess } from "node:child_process";
import { chownSync, closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BOX_PROGRAMS, boxCommand, boxProgramNames, runtimeDescriptor, type BoxPlan } from "./isolation.ts";

/** Limits of one run, as the forkserver wants them. Sizes in MiB, times in seconds. */
export interface BoxLimits {
  readonly cpu_s: number;
  readonly wall_s: number;
  readonly memory_mib: number;
  readonly stack_mib: number;
  readonly scratch_mib: number;
  readonly file_mib: number;
  readonly output_mib: number;
  readonly files: number;
  readonly processes: number;
  /** Sleeping counts as time used. */
  readonly count_sleep: boolean;
}

export type Language = "python" | "javascript" | "typescript";

/** A program and how it is run. */
export type BoxRequest = { readonly limits: BoxLimits; readonly language: Language } & (
  | { readonly mode: "stdin"; readonly source: string; readonly stdin: string }
  | { readonly mode: "calls"; readonly prefix: string; readonly source: string; readonly entries: string; readonly feed?: string }
  | { readonly mode: "tests"; readonly prefix: string; readonly tests: readonly string[]; readonly entry?: string }
  | { readonly mode: "checker"; readonly source: string; readonly feed: string }
);

/** How a run ended. `killedFor`: what the forkserver ended it for; `channel`: all that came through the program's channel. */
export interface BoxResult {
  readonly exitCode: number | null;
  readonly signal: number | null;
  readonly killedFor: "cpu" | "wall" | "memory" | "output" | "stopped" | null;
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
  readonly memoryMib: number;
  readonly stderr: string;
  readonly stdout: Buffer;
  readonly channel: Buffer;
}

/** The box itself failed: says nothing about the program in it. */
export class BoxError extends Error {
  override readonly name = "BoxError";
}

/** Time for a box to open on a loaded machine, ms; normally 100. */
const OPEN_TIMEOUT_MS = 20_000;
/** What a run may take beyond its own wall limit before the box counts as stuck, s. */
const STUCK_AFTER_S = 20;
/** Time for the forkserver to clean up by itself before it is killed, ms. */
const CLOSE_TIMEOUT_MS = 2_000;
const STDERR_TAIL_CHARS = 600;

/** A run on its way: lines may be sent to it, and `onLine` hears those it sends. */
interface Current {
  readonly settle: (result: BoxResult) => void;
  readonly fail: (error: BoxError) => void;
  readonly onLine: ((line: string) => void) | undefined;
  readonly channel: Buffer[];
  readonly timer: NodeJS.Timeout;
}

export class Box {
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #opened = Promise.withResolvers<void>();
  #chunks: Buffer[] = [];
  #bytes = 0;
  #current: Current | undefined;
  #stderr = "";
  #gone = false;
  /** Programs run so far. */
  runs = 0;

  private constructor(plan: BoxPlan, python: string, pythonFolders: readonly string[], stackMib: number) {
    const [command, ...args] = boxCommand(plan, { python, pythonFolders, stackMib }) as [string, ...string[]];
    const files = plan.boxed ? boxProgramNames().map((name) => openSync(join(BOX_PROGRAMS, name), "r")) : [];
    const runtime = openSync(process.execPath, "r");
    // Without a box programs write on the host: into a folder that goes with this.
    const scratch = plan.boxed ? "/tmp" : mkdtempSync(join(tmpdir(), "longcot-box-"));
    if (!plan.boxed && plan.uid !== undefined) chownSync(scratch, plan.uid, plan.uid);
    try {
      this.#child = spawn(command, args, {
        cwd: "/",
        // Nothing of the caller's environment; a fixed hash seed, so that a verdict does not depend on the order of a set.
        env: {
          PATH: "/usr/local/bin:/usr/bin:/bin",
          LANG: "C.UTF-8",
          HOME: scratch,
          TMPDIR: scratch,
          PYTHONHASHSEED: "0",
          LONGCOT_NODE: String(runtimeDescriptor(plan)),
        },
        stdio: ["pipe", "pipe", "pipe", ...files, runtime],
      });
    } finally {
      for (const file of [...files, runtime]) closeSync(file);
    }
    this.#child.stdin!.on("error", () => {});
    this.#child.stdout!.on("data", (data: Buffer) => this.#receive(data));
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => (this.#stderr = (this.#stderr + text).slice(-STDERR_TAIL_CHARS)));
    this.#exited = new Promise((resolve) => {
      const end = (reason: string): void => {
        if (!plan.boxed) rmSync(scratch, { recursive: true, force: true });
        this.#fail(`${reason} ${this.#stderr.trim()}`.trim());
        resolve();
      };
      this.#child.once("error", (error) => end(error.message));
      this.#child.once("close", (code, signal) => end(`the box ended by ${signal ?? `exit code ${code}`}`));
    });
  }

  /** Opens a box by `plan`. @throws BoxError where that does not work here. */
  static async open(
    plan: BoxPlan,
    { python, pythonFolders = [], stackMib }: { python: string; pythonFolders?: readonly string[]; stackMib: number },
  ): Promise<Box> {
    const box = new Box(plan, python, pythonFolders, stackMib);
    const timer = setTimeout(() => box.kill("the box did not open in time"), OPEN_TIMEOUT_MS);
    try {
      await box.#opened.promise;
      return box;
    } finally {
      clearTimeout(timer);
    }
  }

  get isOpen(): boolean {
    return !this.#gone;
  }

  /**
   * Runs one program. `onLine`: the run is a conversation: hears each line of its channel, answers by {@link say}.
   * @throws BoxError where the box dies or is stuck; the program may then be run again in another box.
   */
  run(request: BoxRequest, onLine?: (line: string) => void): Promise<BoxResult> {
    if (this.#gone) return Promise.reject(new BoxError("the box is gone"));
    if (this.#current !== undefined) throw new Error("internal: a box runs one program at a time");
    this.runs++;
    const { stdin = "", ...header } = request as BoxRequest & { stdin?: string };
    return new Promise((settle, fail) => {
      const timer = setTimeout(() => this.kill("the box is stuck"), (request.limits.wall_s + STUCK_AFTER_S) * 1000);
      this.#current = { settle, fail, onLine, channel: [], timer };
      this.#send({ type: "run", ...header, interactive: onLine !== undefined }, Buffer.from(stdin));
    });
  }

  /** Sends a line to the program that runs. */
  say(line: string): void {
    if (this.#current !== undefined && !this.#gone) this.#send({ type: "feed" }, Buffer.from(`${line}\n`));
  }

  /** Ends the program that runs; its result follows. */
  stop(): void {
    if (this.#current !== undefined && !this.#gone) this.#send({ type: "stop" });
  }

  /** Ends the box with all that is in it; resolves when it is gone. */
  async close(): Promise<void> {
    this.#child.stdin!.end();
    const timer = setTimeout(() => this.kill("closed"), CLOSE_TIMEOUT_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  kill(reason: string): void {
    this.#fail(reason);
    this.#child.kill("SIGKILL");
  }

  #send(header: object, body: Buffer = Buffer.alloc(0)): void {
    const text = Buffer.from(JSON.stringify(header));
    const lengths = Buffer.alloc(8);
    lengths.writeUInt32BE(text.length, 0);
    lengths.writeUInt32BE(body.length, 4);
    this.#child.stdin!.write(Buffer.concat([lengths, text, body]));
  }

  #receive(data: Buffer): void {
    this.#chunks.push(data);
    this.#bytes += data.length;
    while (this.#bytes >= 8) {
      if (this.#chunks[0]!.length < 8) this.#chunks = [Buffer.concat(this.#chunks)];
      const headerLength = this.#chunks[0]!.readUInt32BE(0);
      const length = 8 + headerLength + this.#chunks[0]!.readUInt32BE(4);
      if (this.#bytes < length) return;
      const all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
      this.#chunks = all.length === length ? [] : [all.subarray(length)];
      this.#bytes = all.length - length;
      this.#handle(JSON.parse(all.toString("utf8", 8, 8 + headerLength)), all.subarray(8 + headerLength, length));
    }
  }

  #handle(header: { type: string; setupError?: string }, body: Buffer): void {
    const current = this.#current;
    if (header.type === "ready") this.#opened.resolve();
    else if (header.type === "channel") {
      if (current === undefined) return;
      current.channel.push(body);
      if (current.onLine !== undefined && body.includes(NEWLINE)) deliverLines(current);
    } else if (header.type === "done") {
      if (current === undefined) return;
      this.#current = undefined;
      clearTimeout(current.timer);
      if (header.setupError !== undefined && header.setupError !== "")
        current.fail(new BoxError(`a program could not be confined: ${header.setupError}`));
      else current.settle({ ...(header as unknown as BoxResult), stdout: body, channel: Buffer.concat(current.channel) });
    }
  }

  #fail(reason: string): void {
    if (this.#gone) return;
    this.#gone = true;
    const error = new BoxError(reason);
    this.#opened.promise.catch(() => {});
    this.#opened.reject(error);
    if (this.#current !== undefined) {
      clearTimeout(this.#current.timer);
      this.#current.fail(error);
      this.#current = undefined;
    }
  }
}

const NEWLINE = 10;

/** Hands over the whole lines that have arrived; the rest stays. */
function deliverLines(current: Current): void {
  const text = Buffer.concat(current.channel);
  const end = text.lastIndexOf(NEWLINE);
  current.channel.splice(0, current.channel.length, text.subarray(end + 1));
  for (const line of text.toString("utf8", 0, end).split("\n")) current.onLine!(line);
}
