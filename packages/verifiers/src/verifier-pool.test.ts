import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError, DataError } from "@longcot/errors";
import { describe, expect, test } from "vitest";
import { createVerifierPool, ForkedVerifierPool, type VerifierPoolOptions } from "./verifier-pool.ts";
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
    expect(verdicts[0]).toEqual({ id: "r0", score: 0, outcome: "crash", rule: "worker" });
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

describe("refusals", () => {
  test("code is not supported yet, and says so before anything is graded", async () => {
    await using pool = createVerifierPool({ jobs: 1 });
    await expect(pool.grade([request(0, "\\boxed{4}"), { ...request(1, ""), ability: "code" }])).rejects.toThrow(
      new ConfigError({
        who: "VerifierPool.grade",
        argument: "requests[1].ability",
        expected: '"math"',
        received: '"code", which is not supported yet',
        fix: "Leave code problems out of the data",
      }),
    );
  });

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
