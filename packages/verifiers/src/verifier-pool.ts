// Many responses graded at once in child processes: ordered verdicts, a deadline per item, dead workers replaced.
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { ConfigError, LongcotError } from "@longcot/errors";
import { GradingProcess, type ProcessEnd } from "./grading-process.ts";
import { DEFAULT_CODE_POLICY } from "./code/policy.ts";
import { checkIsolation, probeIsolation, type Isolation } from "./code/sandbox.ts";
import type { GraderOptions } from "./grader.ts";
import { DEFAULT_REWARD_TIMEOUT_MS, type RewardFunctionOptions } from "./reward-function/reward-function.ts";
import { checkRequests, type VerifyRequest, type VerifyResult } from "./verify-request.ts";

/** Items one process holds at a time: enough to hide the channel's latency, few enough to share a batch evenly. */
const MAX_HELD_PER_PROCESS = 32;
/** What a process may take for a program beyond the time its tests may take, ms: its boxes may have to open twice on a loaded machine. */
const CODE_SPARE_MS = 120_000;
/** Requests per process that `gradeEach` reads ahead. */
const WINDOW_PER_PROCESS = 2 * MAX_HELD_PER_PROCESS;
/** How often a process may take an item with it before the item is given up as `crash`. */
const MAX_ATTEMPTS = 2;
/** Starts that may fail in a row before the pool gives up: then it is the installation, not an item. */
const MAX_FAILED_STARTS = 3;

/** Options of a pool. */
export interface VerifierPoolOptions extends GraderOptions {
  /** Grading processes; default: the machine's cores, at most 4. */
  readonly jobs?: number;
  /**
   * Wall time one item of ability `math` may take in ms, default 5,000 (grading takes well below 1 ms: this only ends what is stuck).
   * Programs have the limits of their policy.
   */
  readonly itemTimeoutMs?: number;
}

/** What a caller may want while a batch is graded. */
export interface GradeOptions {
  /** Gives the batch up: what waits is dropped, what runs is ended, and the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Hears how many verdicts of the batch are there, after each. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** Grades batches until closed. Processes start when the pool is created and never keep an idle program running. */
export interface VerifierPool extends AsyncDisposable {
  /** Resolves when at least one process takes work. */
  ready(): Promise<void>;
  /**
   * Verdicts in the order of `requests`. Several batches may run at once. A stuck item comes back as `timeout`; one whose
   * process died is tried again once, then comes back as `crash`.
   * @throws ConfigError where there is code and the machine cannot confine it as required, DataError for a malformed request, LongcotError
   * when closed or when no process starts.
   */
  grade(requests: readonly VerifyRequest[], options?: GradeOptions): Promise<VerifyResult[]>;
  /**
   * Verdicts of any number of requests, in their order, as they come. Reads only so far ahead as keeps the processes busy, so that a source
   * is never faster than grading; whoever stops reading ends the work.
   */
  gradeEach(
    requests: Iterable<VerifyRequest> | AsyncIterable<VerifyRequest>,
    options?: Pick<GradeOptions, "signal">,
  ): AsyncIterable<VerifyResult>;
  /** What stands between programs and this machine; found out once. @throws ConfigError where it is less than required. */
  isolation(): Promise<Isolation>;
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
  fail(error: unknown): void;
}

/** The pool over any worker module `entry`; tests give it one that misbehaves. */
export class ForkedVerifierPool implements VerifierPool {
  readonly #jobs: number;
  readonly #options: VerifierPoolOptions;
  readonly #start: () => GradingProcess;
  readonly #processes = new Set<GradingProcess>();
  /** Not yet given to a process, first in first out; retried items at the front. */
  readonly #waiting: Job[] = [];
  /** By request object, which is unique per call. */
  readonly #running = new Map<VerifyRequest, Job>();
  readonly #closing = Promise.withResolvers<void>();
  readonly #ready = Promise.withResolvers<void>();
  #isolation: Promise<Isolation> | undefined;
  #failedStarts = 0;
  #failure: LongcotError | undefined;

  constructor(options: VerifierPoolOptions, entry: URL) {
    this.#jobs = checkPositiveInteger(options.jobs ?? Math.min(4, availableParallelism()), "jobs");
    const itemTimeoutMs = checkPositiveInteger(options.itemTimeoutMs ?? 5_000, "itemTimeoutMs");
    const { math, code, isolation, rewardFunction } = options;
    if (rewardFunction !== undefined) checkRewardFunction(rewardFunction);
    const optionsJson = JSON.stringify({ math, code, isolation, rewardFunction });
    const codeTimeoutMs = (code?.totalTimeS ?? DEFAULT_CODE_POLICY.totalTimeS) * 1000 + CODE_SPARE_MS;
    const timeoutMsOf = ({ ability }: VerifyRequest): number =>
      rewardFunction !== undefined
        ? (rewardFunction.timeoutMs ?? DEFAULT_REWARD_TIMEOUT_MS)
        : ability === "code"
          ? codeTimeoutMs
          : itemTimeoutMs;
    this.#options = options;
    this.#start = () => this.#open({ entry, optionsJson, timeoutMsOf });
    this.#ready.promise.catch(() => {});
    for (let i = 0; i < this.#jobs; i++) this.#processes.add(this.#start());
  }

  ready(): Promise<void> {
    return this.#ready.promise;
  }

  isolation(): Promise<Isolation> {
    const { code, isolation = "full" } = this.#options;
    this.#isolation ??= probeIsolation({ stackMib: code?.stackMib ?? DEFAULT_CODE_POLICY.stackMib });
    return this.#isolation.then((found) => {
      checkIsolation(found, isolation);
      return found;
    });
  }

  async grade(requests: readonly VerifyRequest[], { signal, onProgress }: GradeOptions = {}): Promise<VerifyResult[]> {
    const checked = checkRequests(requests, "VerifierPool.grade");
    if (this.#options.rewardFunction === undefined && checked.some(({ ability }) => ability === "code")) await this.isolation();
    signal?.throwIfAborted();
    if (this.#failure !== undefined) throw this.#failure;
    let done = 0;
    const jobs = new Set<Job>();
    const verdicts = checked.map(
      (request) =>
        new Promise<VerifyResult>((resolve, fail) => {
          const job: Job = {
            request,
            attempts: 0,
            fail,
            settle: (result) => {
              jobs.delete(job);
              onProgress?.({ done: ++done, total: checked.length });
              resolve(result);
            },
          };
          jobs.add(job);
          this.#waiting.push(job);
        }),
    );
    const giveUp = (): void => this.#cancel(jobs, signal!.reason);
    signal?.addEventListener("abort", giveUp, { once: true });
    this.#distribute();
    try {
      return await Promise.all(verdicts);
    } finally {
      signal?.removeEventListener("abort", giveUp);
    }
  }

  async *gradeEach(
    requests: Iterable<VerifyRequest> | AsyncIterable<VerifyRequest>,
    { signal }: Pick<GradeOptions, "signal"> = {},
  ): AsyncGenerator<VerifyResult> {
    const stopped = new AbortController();
    const either = signal === undefined ? stopped.signal : AbortSignal.any([signal, stopped.signal]);
    const ahead: Promise<VerifyResult>[] = [];
    try {
      for await (const request of requests) {
        const verdict = this.grade([request], { signal: either }).then(([result]) => result!);
        // Whoever awaits it hears of a failure; it must not count as unhandled before.
        verdict.catch(() => {});
        ahead.push(verdict);
        if (ahead.length >= this.#jobs * WINDOW_PER_PROCESS) yield await ahead.shift()!;
      }
      while (ahead.length > 0) yield await ahead.shift()!;
    } finally {
      stopped.abort();
    }
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
      const room = MAX_HELD_PER_PROCESS - grading.unanswered.reduce((sum, request) => sum + this.#sizeOf(request), 0);
      // Topping up only half-empty processes keeps messages large.
      if (room < MAX_HELD_PER_PROCESS / 2 || this.#waiting.length === 0) continue;
      const jobs = this.#waiting.splice(0, this.#countThatFits(room, Math.ceil(this.#waiting.length / ready.length)));
      if (jobs.length === 0) continue;
      for (const job of jobs) this.#running.set(job.request, job);
      grading.give(jobs.map((job) => job.request));
    }
  }

  /** How many of the jobs that wait longest fit into `room`, at most `share`. */
  #countThatFits(room: number, share: number): number {
    let count = 0;
    for (let left = room; count < share; count++) {
      left -= this.#sizeOf(this.#waiting[count]!.request);
      if (left < 0) break;
    }
    return count;
  }

  /** Programs and users' functions take so much longer than the channel that a process gets them one by one. */
  #sizeOf({ ability }: VerifyRequest): number {
    return ability === "code" || this.#options.rewardFunction !== undefined ? MAX_HELD_PER_PROCESS : 1;
  }

  /** Drops what waits of `jobs` and ends the processes that work on them; others' items there are graded anew. */
  #cancel(jobs: ReadonlySet<Job>, reason: unknown): void {
    this.#waiting.splice(0, this.#waiting.length, ...this.#waiting.filter((job) => !jobs.has(job)));
    for (const grading of this.#processes) {
      if (grading.unanswered.some((request) => jobs.has(this.#running.get(request)!))) grading.stop();
    }
    for (const job of jobs) {
      this.#running.delete(job.request);
      job.fail(reason);
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
      const job = this.#running.get(request);
      if (job === undefined) continue;
      this.#running.delete(request);
      const attempts = i === 0 && end.cause !== "cancelled" ? ++job.attempts : job.attempts;
      if (i === 0 && end.cause === "deadline") job.settle(workerVerdict(request, "timeout"));
      else if (attempts >= MAX_ATTEMPTS) job.settle({ ...workerVerdict(request, "crash"), detail: end.detail });
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

/** @throws ConfigError for a module that is not there, and for a timeout that is none. */
function checkRewardFunction({ path, timeoutMs }: RewardFunctionOptions): void {
  if (timeoutMs !== undefined) checkPositiveInteger(timeoutMs, "rewardFunction.timeoutMs");
  if (/\.(?:[mc]?[jt]s|py)$/.test(path) && existsSync(path)) return;
  throw new ConfigError({
    who: "createVerifierPool",
    argument: "rewardFunction.path",
    expected: "a .ts, .js or .py file that exists",
    received: path,
  });
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
