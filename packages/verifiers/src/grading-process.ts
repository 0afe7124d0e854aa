// One grading process: starts it, hands it items, watches the deadline of the oldest, and says how it ended.
import { fork, type ChildProcess } from "node:child_process";
import type { WorkerMessage } from "./serve-grading.ts";
import type { VerifyRequest, VerifyResult } from "./verify-request.ts";

/** Heap of a grading process in MiB: room for a problem's tests and a program's output; a runaway item dies alone. */
const WORKER_HEAP_MIB = 1024;
/** Nursery of that heap in MiB. Node would let it, and the process with it, grow to several times this before it collects. */
const WORKER_NURSERY_MIB = 8;
/** Time for a process to start on a loaded machine, in ms; normally 50 to 150. */
const START_TIMEOUT_MS = 30_000;
/** After a deadline, time to read verdicts that arrived while the caller's own thread was busy, in ms. */
const LATE_READER_GRACE_MS = 50;
/** Time for a process to end its boxes when it is told to stop, ms; normally 20. */
const STOP_TIMEOUT_MS = 2_000;
/** How much of a process's last error output is kept, in characters. */
const STDERR_TAIL_CHARS = 600;

/** Why a grading process ended: killed for a stuck item, never ready, dead by itself, or killed because its item is wanted no more. */
export type ProcessEnd = { readonly cause: "deadline" | "start" | "died" | "cancelled"; readonly detail: string };

/** What a pool wants to hear. `onEnd` comes exactly once, also after `stop()`. */
export interface GradingProcessEvents {
  onReady(): void;
  onResult(request: VerifyRequest, result: VerifyResult): void;
  onEnd(end: ProcessEnd, unanswered: readonly VerifyRequest[]): void;
}

/** Options of the process itself. `entry` is a module that calls `serveGrading`. */
export interface GradingProcessOptions {
  readonly entry: URL;
  readonly optionsJson: string;
  /** Wall time an item may take, ms. */
  readonly timeoutMsOf: (request: VerifyRequest) => number;
}

export class GradingProcess {
  readonly #child: ChildProcess;
  readonly #events: GradingProcessEvents;
  readonly #timeoutMsOf: GradingProcessOptions["timeoutMsOf"];
  /** Sent and not answered, oldest first: the worker answers in this order. */
  readonly #unanswered: VerifyRequest[] = [];
  #ready = false;
  #ended = false;
  #answers = 0;
  #killedFor: ProcessEnd["cause"] | undefined;
  #stderr = "";
  #timer: NodeJS.Timeout | undefined;

  constructor(options: GradingProcessOptions, events: GradingProcessEvents) {
    this.#events = events;
    this.#timeoutMsOf = options.timeoutMsOf;
    // A TypeScript entry imports workspace packages from their source; a built one from dist.
    const condition = options.entry.pathname.endsWith(".ts") ? ["--conditions=longcot-source"] : [];
    this.#child = fork(options.entry, [options.optionsJson], {
      execArgv: [...condition, `--max-old-space-size=${WORKER_HEAP_MIB}`, `--max-semi-space-size=${WORKER_NURSERY_MIB}`],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => (this.#stderr = (this.#stderr + text).slice(-STDERR_TAIL_CHARS)));
    this.#child.on("message", (message: WorkerMessage) => this.#onMessage(message));
    this.#child.on("error", (error) => this.#end("start", error.message));
    this.#child.on("exit", (code, signal) =>
      this.#end(this.#ready ? "died" : "start", `${signal ?? `exit code ${code}`} ${this.#stderr.trim()}`.trim()),
    );
    this.#timer = setTimeout(() => this.#kill("start"), START_TIMEOUT_MS);
  }

  get ready(): boolean {
    return this.#ready && !this.#ended && this.#killedFor === undefined;
  }

  get unanswered(): readonly VerifyRequest[] {
    return this.#unanswered;
  }

  /** Queues `requests` in the worker; the deadline of the first runs from now if the worker was idle. */
  give(requests: readonly VerifyRequest[]): void {
    const wasIdle = this.#unanswered.length === 0;
    this.#unanswered.push(...requests);
    if (wasIdle) this.#watchOldest();
    this.#keepAlive(true);
    // A channel that closed meanwhile is reported by "exit", which returns the items.
    this.#child.send({ requests }, () => {});
  }

  /** Ends the process, at once or once it has ended what it started itself; `onEnd` follows. */
  stop(): void {
    if (this.#ended || this.#killedFor !== undefined) return;
    if (!this.#ready) return this.#kill("cancelled");
    this.#killedFor = "cancelled";
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    this.#keepAlive(true);
    if (this.#child.connected) this.#child.disconnect();
  }

  #onMessage(message: WorkerMessage): void {
    // Nothing that comes after the kill counts, nor may it let the caller's program end before this process has.
    if (this.#killedFor !== undefined) return;
    if (message.type === "ready") {
      clearTimeout(this.#timer);
      this.#ready = true;
      this.#keepAlive(false);
      this.#events.onReady();
      return;
    }
    const request = this.#unanswered.shift();
    if (request === undefined) return this.#kill("died");
    this.#answers++;
    clearTimeout(this.#timer);
    if (this.#unanswered.length > 0) this.#watchOldest();
    else this.#keepAlive(false);
    this.#events.onResult(request, message.result);
  }

  #watchOldest(): void {
    const answersBefore = this.#answers;
    this.#timer = setTimeout(() => {
      // The deadline may have passed because this thread was busy: read what has arrived before judging.
      this.#timer = setTimeout(() => setImmediate(() => this.#answers === answersBefore && this.#kill("deadline")), LATE_READER_GRACE_MS);
    }, this.#timeoutMsOf(this.#unanswered[0]!));
  }

  #kill(cause: ProcessEnd["cause"]): void {
    if (this.#ended) return;
    this.#killedFor ??= cause;
    this.#keepAlive(true);
    this.#child.kill("SIGKILL");
  }

  #end(cause: ProcessEnd["cause"], detail: string): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#events.onEnd({ cause: this.#killedFor ?? cause, detail }, this.#unanswered);
  }

  /** Whether this process keeps the caller's program running: while it starts and while it owes an answer. */
  #keepAlive(on: boolean): void {
    const method = on ? "ref" : "unref";
    this.#child[method]();
    this.#child.channel?.[method]();
    const pipe = this.#child.stderr as { ref?: () => void; unref?: () => void } | null;
    pipe?.[method]?.();
  }
}
