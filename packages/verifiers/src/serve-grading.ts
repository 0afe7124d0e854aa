// The worker's side of the pool: receives batches, grades item by item, answers each as soon as it is done.
import type { MathPolicy } from "./math/policy.ts";
import type { VerifyRequest, VerifyResult } from "./verify-request.ts";

/** Parent to worker: items to grade, in order. */
export interface GradeMessage {
  readonly requests: readonly VerifyRequest[];
}

/** Worker to parent: ready for work, or the verdict on the oldest unanswered item. */
export type WorkerMessage = { readonly type: "ready" } | { readonly type: "result"; readonly result: VerifyResult };

/**
 * Serves `grade` on this process's channel until the parent goes away. The policy is the first command line argument, as JSON.
 * Between items the event loop turns once, so that every verdict has left before the next item may hang.
 */
export function serveGrading(grade: (request: VerifyRequest, policy: Partial<MathPolicy>) => VerifyResult): void {
  const policy = JSON.parse(process.argv[2] ?? "{}") as Partial<MathPolicy>;
  const waiting: VerifyRequest[] = [];
  let busy = false;

  const work = (): void => {
    const request = waiting.shift();
    busy = request !== undefined;
    if (request === undefined) return;
    send({ type: "result", result: grade(request, policy) }, work);
  };
  process.on("message", (message: GradeMessage) => {
    waiting.push(...message.requests);
    if (!busy) work();
  });
  process.on("disconnect", () => process.exit(0));
  send({ type: "ready" }, () => {});
}

/** Calls `sent` once the message is in the pipe. */
function send(message: WorkerMessage, sent: () => void): void {
  process.send!(message, undefined, undefined, () => setImmediate(sent));
}
