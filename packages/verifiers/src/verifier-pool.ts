// Many responses graded at once in child processes: ordered verdicts, a deadline per item, dead workers replaced.
import { availableParallelism } from "node:os";
import { ConfigError, LongcotError } from "@longcot/errors";
import { GradingProcess, type ProcessEnd } from "./grading-process.ts";
import type { MathPolicy } from "./math/policy.ts";
import { checkRequests, type VerifyRequest, type VerifyResult } from "./verify-request.ts";

/** Items one process holds at a time: enough to hide the channel's latency, few enough to share a batch evenly. */
const MAX_HELD_PER_PROCESS = 32;
/** How often a process may take an item with it before the item is given up as `crash`. */
const MAX_ATTEMPTS = 2;
/** Starts that may fail in a row before the pool gives up: then it is the installation, not an item. */
const MAX_FAILED_STARTS = 3;

/** Options of a pool. */
export interface VerifierPoolOptions {
  /** Grading processes; default: the machine's cores, at most 4. */
  readonly jobs?: number;
  /** Wall time one item may take in ms, default 5,000 (grading takes well below 1 ms: this only ends what is stuck). */
  readonly itemTimeoutMs?: number;
  /** Conventions of the math grader; default: as `gradeMath`. */
  readonly math?: Partial<MathPolicy>;
}

/** Grades batches until closed. Processes start when the pool is created and never keep an idle program running. */
export interface VerifierPool extends AsyncDisposable {
  /** Resolves when at least one process takes work. */
  ready(): Promise<void>;
  /**
   * Verdicts in the order of `requests`. Several batches may run at once. A stuck item comes back as `timeout`; one whose
   * process died is tried again once, then comes back as `crash`.
   * @throws ConfigError for ability `code`, DataError for a malformed request, LongcotError when closed or when no process starts.
   */
  grade(requests: readonly VerifyRequest[]): Promise<VerifyResult[]>;
  /** Ends all processes; batches that are still running reject. Resolves when every process is gone. */
  close(): Promise<void>;
}

/**
 * Starts `jobs` grading processes at once and returns without waiting for them.
 * @throws ConfigError for a number of jobs or a deadline that is not a positive integer.
 *
 * @example
 * const pool = createVerifierPool({ jobs: 2 });
 * const verdicts = await pool.grade([{ id: "0", ability: "math", response: "\\boxed{4}", groundTruth: "4" }]);
 * await pool.close();
 */
export function createVerifierPool(options: VerifierPoolOptions = {}): VerifierPool {
  return new ForkedVerifierPool(
    options,
    new URL(import.meta.url.endsWith(".ts") ? "./worker-main.ts" : "./worker-main.js", import.meta.url),
  );
}

/** A batch's item on its way. */
interface Job {
  readonly request: VerifyRequest;
  attempts: number;
  settle(result: VerifyResult): void;
  fail(error: Error): void;
}

/** The pool over any worker module `entry`; tests give it one that misbehaves. */
export class ForkedVerifierPool implements VerifierPool {
  readonly #jobs: number;
  readonly #start: () => GradingProcess;
  readonly #processes = new Set<GradingProcess>();
  /** Not yet given to a process, first in first out; retried items at the front. */
  readonly #waiting: Job[] = [];
  /** By request object, which is unique per call. */
  readonly #running = new Map<VerifyRequest, Job>();
  readonly #closing = Promise.withResolvers<void>();
  readonly #ready = Promise.withResolvers<void>();
  #failedStarts = 0;
  #failure: LongcotError | undefined;

  constructor(options: VerifierPoolOptions, entry: URL) {
    this.#jobs = checkPositiveInteger(options.jobs ?? Math.min(4, availableParallelism()), "jobs");
    const itemTimeoutMs = checkPositiveInteger(options.itemTimeoutMs ?? 5_000, "itemTimeoutMs");
    const policyJson = JSON.stringify(options.math ?? {});
    this.#start = () => this.#open({ entry, policyJson, itemTimeoutMs });
    this.#ready.promise.catch(() => {});
    for (let i = 0; i < this.#jobs; i++) this.#processes.add(this.#start());
  }

  ready(): Promise<void> {
    return this.#ready.promise;
  }

  async grade(requests: readonly VerifyRequest[]): Promise<VerifyResult[]> {
    const checked = checkRequests(requests, "VerifierPool.grade");
    if (this.#failure !== undefined) throw this.#failure;
    const verdicts = checked.map(
      (request) =>
        new Promise<VerifyResult>((settle, fail) => {
          this.#waiting.push({ request, attempts: 0, settle, fail });
        }),
    );
    this.#distribute();
    return Promise.all(verdicts);
  }

  async close(): Promise<void> {
    this.#fail(new LongcotError({ who: "VerifierPool", expected: "an open pool", received: "a closed one" }));
    await this.#closing.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #open(options: ConstructorParameters<typeof GradingProcess>[0]): GradingProcess {
    const grading: GradingProcess = new GradingProcess(options, {
      onReady: () => {
        this.#failedStarts = 0;
        this.#ready.resolve();
        this.#distribute();
      },
      onResult: (request, result) => {
        this.#settle(request, result);
        this.#distribute();
      },
      onEnd: (end, unanswered) => this.#replace(grading, end, unanswered),
    });
    return grading;
  }

  /** Fills ready processes evenly: each gets its share of what waits, up to what it may hold. */
  #distribute(): void {
    const ready = [...this.#processes].filter((grading) => grading.ready);
    for (const grading of ready) {
      const room = MAX_HELD_PER_PROCESS - grading.unansweredCount;
      // Topping up only half-empty processes keeps messages large.
      if (room < MAX_HELD_PER_PROCESS / 2 || this.#waiting.length === 0) continue;
      const jobs = this.#waiting.splice(0, Math.min(room, Math.max(1, Math.ceil(this.#waiting.length / ready.length))));
      for (const job of jobs) this.#running.set(job.request, job);
      grading.give(jobs.map((job) => job.request));
    }
  }

  #settle(request: VerifyRequest, result: VerifyResult): void {
    const job = this.#running.get(request);
    this.#running.delete(request);
    job?.settle(result);
  }

  /** Only the oldest unanswered item can have ended the process; the others go back to the front of the queue. */
  #replace(grading: GradingProcess, end: ProcessEnd, unanswered: readonly VerifyRequest[]): void {
    this.#processes.delete(grading);
    if (this.#failure !== undefined) {
      if (this.#processes.size === 0) this.#closing.resolve();
      return;
    }
    if (end.cause === "start" && ++this.#failedStarts >= MAX_FAILED_STARTS) {
      return this.#fail(
        new LongcotError({
          who: "VerifierPool",
          expected: "a grading process that starts",
          received: end.detail,
        }),
      );
    }
    const again: Job[] = [];
    for (const [i, request] of unanswered.entries()) {
      const job = this.#running.get(request)!;
      this.#running.delete(request);
      const attempts = i === 0 ? ++job.attempts : job.attempts;
      if (i === 0 && end.cause === "deadline") job.settle(workerVerdict(request, "timeout"));
      else if (attempts >= MAX_ATTEMPTS) job.settle(workerVerdict(request, "crash"));
      else again.push(job);
    }
    this.#waiting.unshift(...again);
    this.#processes.add(this.#start());
    this.#distribute();
  }

  /** Rejects all that waits or runs and ends every process; the first failure stays. */
  #fail(error: LongcotError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#ready.reject(error);
    for (const job of [...this.#running.values(), ...this.#waiting.splice(0)]) job.fail(error);
    this.#running.clear();
    for (const grading of this.#processes) grading.stop();
    if (this.#processes.size === 0) this.#closing.resolve();
  }
}

function workerVerdict(request: VerifyRequest, outcome: "timeout" | "crash"): VerifyResult {
  return { id: request.id, score: 0, outcome, rule: "worker" };
}

function checkPositiveInteger(value: number, argument: string): number {
  if (Number.isInteger(value) && value > 0) return value;
  throw new ConfigError({
    who: "createVerifierPool",
    argument,
    expected: "a positive integer",
    received: String(value),
  });
}
