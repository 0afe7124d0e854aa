import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError, DataError } from "@longcot/errors";
import { describe, expect, test } from "vitest";
import { createVerifierPool, ForkedVerifierPool, type VerifierPoolOptions } from "./verifier-pool.ts";
import { probeIsolation } from "./code/sandbox.ts";
import { verdictMetrics } from "./verdict-metrics.ts";
import type { VerifyRequest } from "./verify-request.ts";

const request = (id: number, response: string, groundTruth = "4"): VerifyRequest => ({
  id: `r${id}`,
  ability: "math",
  response,
  groundTruth,
});
const misbehaving = (options: VerifierPoolOptions) =>
  new ForkedVerifierPool(options, new URL("../fixtures/misbehaving-worker.ts", import.meta.url));

describe("honest work", () => {
  test("verdicts come in the order of the requests, over several batches at once", async () => {
    await using pool = createVerifierPool({ jobs: 2 });
    const batch = Array.from({ length: 300 }, (_, i) => request(i, `\\boxed{${i}}`, String(i - (i % 3))));
    const [first, second] = await Promise.all([pool.grade(batch), pool.grade(batch.toReversed())]);
    expect(first.map((verdict) => verdict.id)).toEqual(batch.map((item) => item.id));
    expect(first.map((verdict) => verdict.score)).toEqual(batch.map((_, i) => (i % 3 === 0 ? 1 : 0)));
    expect(second).toEqual(first.toReversed());
  });

  test("an empty batch is an empty answer; truncation and policy reach the worker", async () => {
    await using pool = createVerifierPool({ jobs: 1, math: { thinking: "required" } });
    expect(await pool.grade([])).toEqual([]);
    const verdicts = await pool.grade([
      request(0, "\\boxed{4}"),
      request(1, "</think>\\boxed{4}"),
      { ...request(2, "</think>\\boxed{4}"), truncated: true },
    ]);
    expect(verdicts.map((verdict) => verdict.rule)).toEqual(["thinking-not-closed", "spelling", "truncated"]);
  });
});

test("a ground truth that is no text is a verdict, a list of texts is graded", async () => {
  await using pool = createVerifierPool({ jobs: 1 });
  const golds = [["3", "4"], null, 4, [4n], undefined] as unknown as string[];
  const verdicts = await pool.grade(golds.map((groundTruth, i) => ({ ...request(i, "\\boxed{4}"), groundTruth })));
  expect(verdicts.map((verdict) => verdict.outcome)).toEqual(["correct", ...Array.from({ length: 4 }, () => "invalid_ground_truth")]);
});

describe("misbehaving items", () => {
  test("a stuck item is a timeout and its neighbours are graded", async () => {
    await using pool = misbehaving({ jobs: 1, itemTimeoutMs: 300 });
    const verdicts = await pool.grade([
      request(0, "\\boxed{4}"),
      request(1, "hang"),
      request(2, "\\boxed{4}"),
      request(3, "hang"),
      request(4, "\\boxed{5}"),
    ]);
    expect(verdicts.map((verdict) => verdict.outcome)).toEqual(["correct", "timeout", "correct", "timeout", "wrong"]);
  });

  test("an item that kills its process twice is a crash, one that does so once is graded", async () => {
    const folder = mkdtempSync(join(tmpdir(), "longcot-pool-"));
    await using pool = misbehaving({ jobs: 2 });
    const verdicts = await pool.grade([
      request(0, "die"),
      request(1, "\\boxed{4}"),
      request(2, "die once", join(folder, "died")),
      request(3, "\\boxed{4}"),
    ]);
    rmSync(folder, { recursive: true });
    expect(verdicts.map((verdict) => verdict.outcome)).toEqual(["crash", "correct", "correct", "correct"]);
    expect(verdicts[0]).toEqual({ id: "r0", score: 0, outcome: "crash", rule: "worker", detail: "exit code 7" });
  });

  test("a caller too busy to read does not turn finished items into timeouts", async () => {
    await using pool = createVerifierPool({ jobs: 1, itemTimeoutMs: 50 });
    await pool.ready();
    const grading = pool.grade([request(0, "\\boxed{4}"), request(1, "\\boxed{4}")]);
    await new Promise((resolve) => setImmediate(resolve));
    const end = performance.now() + 200;
    while (performance.now() < end);
    expect((await grading).map((verdict) => verdict.outcome)).toEqual(["correct", "correct"]);
  });
});

describe("while a batch runs", () => {
  test("progress is told after each verdict", async () => {
    await using pool = createVerifierPool({ jobs: 2 });
    const heard: number[] = [];
    await pool.grade(
      [0, 1, 2].map((id) => request(id, "\\boxed{4}")),
      { onProgress: ({ done, total }) => heard.push(done, total) },
    );
    expect(heard).toEqual([1, 3, 2, 3, 3, 3]);
  });

  test("a signal ends a batch at once, what hangs included, and leaves other batches alone", async () => {
    await using pool = misbehaving({ jobs: 1 });
    await pool.ready();
    const stop = new AbortController();
    const given = pool.grade([request(0, "hang"), request(1, "\\boxed{4}")], { signal: stop.signal });
    const other = pool.grade([request(2, "\\boxed{4}")]);
    stop.abort(new Error("enough"));
    await expect(given).rejects.toThrow("enough");
    expect(await other).toMatchObject([{ id: "r2", outcome: "correct" }]);
    await expect(pool.grade([request(3, "\\boxed{4}")], { signal: stop.signal })).rejects.toThrow("enough");
  });

  test("a stream is graded in order, read only so far ahead, and given up by its reader", async () => {
    await using pool = createVerifierPool({ jobs: 1 });
    let read = 0;
    const source = function* () {
      for (; read < 1000; read++) yield request(read, `\\boxed{${read % 2 === 0 ? 4 : 5}}`);
    };
    const seen: number[] = [];
    for await (const { score } of pool.gradeEach(source())) {
      expect(read - seen.length).toBeLessThanOrEqual(64);
      if (seen.push(score) === 300) break;
    }
    expect(seen).toEqual(Array.from({ length: 300 }, (_, i) => (i % 2 === 0 ? 1 : 0)));
    expect(read).toBeLessThan(400);
    const outcomes: string[] = [];
    for await (const { outcome } of pool.gradeEach([request(0, "\\boxed{4}"), request(1, "")])) outcomes.push(outcome);
    expect(outcomes).toEqual(["correct", "no_answer"]);
  });

  test("math and code go through one pool, or code is refused with what to install", async () => {
    await using pool = createVerifierPool({ jobs: 2 });
    const code = (id: number, source: string, groundTruth: unknown): VerifyRequest =>
      ({ id: `r${id}`, ability: "code", response: `\`\`\`python\n${source}\n\`\`\``, groundTruth }) as VerifyRequest;
    const problem = { inputs: ["1"], outputs: ["2"] };
    const batch = [
      request(0, "\\boxed{4}"),
      code(1, "print(2)", JSON.stringify(problem)),
      code(2, "print(3)", problem),
      code(3, "print(3)", 7),
      request(4, "\\boxed{5}"),
    ];
    const outcomes = await pool.grade(batch).then(
      (verdicts) => verdicts.map(({ outcome }) => outcome),
      (error: Error) => /apt install .*bubblewrap/.test(error.message),
    );
    const isConfined = (await probeIsolation().catch(() => undefined))?.level === "full";
    expect(outcomes).toEqual(isConfined ? ["correct", "correct", "wrong", "invalid_ground_truth", "wrong"] : true);
  });
});

test("shares of outcomes sum to 1", () => {
  const metrics = verdictMetrics((["correct", "timeout", "timeout", "crash"] as const).map((outcome) => ({ outcome })));
  expect(metrics).toMatchObject({
    "reward/correct_ratio": 0.25,
    "reward/timeout_ratio": 0.5,
    "reward/crash_ratio": 0.25,
    "reward/memory_ratio": 0,
  });
  expect(Object.values(metrics).reduce((sum, share) => sum + share)).toBe(1);
  expect(verdictMetrics([])).toEqual({});
});

describe("refusals", () => {
  test("malformed requests and options name what is wrong", async () => {
    await using pool = createVerifierPool({ jobs: 1 });
    await expect(pool.grade([{ ...request(0, ""), response: null as unknown as string }])).rejects.toThrow(DataError);
    expect(() => createVerifierPool({ jobs: 0 })).toThrow("createVerifierPool: jobs must be a positive integer, got 0");
    expect(() => createVerifierPool({ itemTimeoutMs: 0.5 })).toThrow(ConfigError);
  });

  test("a closed pool refuses, and closing rejects what still runs", async () => {
    const pool = misbehaving({ jobs: 1 });
    const running = pool.grade([request(0, "hang")]);
    await pool.ready();
    const [outcome] = await Promise.allSettled([running, pool.close()]);
    expect(String(outcome.status === "rejected" && outcome.reason)).toContain("a closed one");
    await pool.close();
    await expect(pool.grade([request(0, "\\boxed{4}")])).rejects.toThrow("a closed one");
  });

  test("a process that cannot start fails the batch with its reason", async () => {
    const pool = new ForkedVerifierPool({ jobs: 1 }, new URL("../fixtures/broken-worker.ts", import.meta.url));
    await expect(pool.grade([request(0, "\\boxed{4}")])).rejects.toThrow(/a grading process that starts, got exit code 1 .*no such engine/);
    await pool.close();
  });
});
