// The worker's side of the pool: receives batches, grades item by item, answers each as soon as it is done.
import type { GraderOptions } from "./grader.ts";
import type { VerifyRequest, VerifyResult } from "./verify-request.ts";

/** Parent to worker: items to grade, in order. */
export interface GradeMessage {
  readonly requests: readonly VerifyRequest[];
}

/** Worker to parent: ready for work, or the verdict on the oldest unanswered item. */
export type WorkerMessage = { readonly type: "ready" } | { readonly type: "result"; readonly result: VerifyResult };

/** What a worker does with its items. `close` comes before a worker ends in peace. */
export interface GradingWork {
  grade(request: VerifyRequest): VerifyResult | Promise<VerifyResult>;
  close?(): Promise<void>;
}

/**
 * Serves `start(options).grade` on this process's channel until the parent goes away. The options are the first command line argument, as
 * JSON. Between items the event loop turns once, so that every verdict has left before the next item may hang.
 */
export async function serveGrading(start: (options: GraderOptions) => GradingWork | Promise<GradingWork>): Promise<void> {
  const worker = await startOrEnd(start);
  const waiting: VerifyRequest[] = [];
  let busy = false;

  const work = async (): Promise<void> => {
    const request = waiting.shift();
    busy = request !== undefined;
    if (request === undefined) return;
    send({ type: "result", result: await worker.grade(request) }, () => void work());
  };
  process.on("message", (message: GradeMessage) => {
    waiting.push(...message.requests);
    if (!busy) void work();
  });
  process.on("disconnect", () => void Promise.resolve(worker.close?.()).finally(() => process.exit(0)));
  send({ type: "ready" }, () => {});
}

/** A worker that cannot start ends with the reason as all that it says: the pool passes it on. */
async function startOrEnd(start: (options: GraderOptions) => GradingWork | Promise<GradingWork>): Promise<GradingWork> {
  try {
    return await start(JSON.parse(process.argv[2] ?? "{}") as GraderOptions);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`, () => process.exit(1));
    return await new Promise<never>(() => {});
  }
}

/** Calls `sent` once the message is in the pipe. */
function send(message: WorkerMessage, sent: () => void): void {
  process.send!(message, undefined, undefined, () => setImmediate(sent));
}
