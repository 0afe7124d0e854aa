// Functions of users through the pool, in TypeScript and in Python, in verl's and TRL's signatures.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { createVerifierPool } from "../verifier-pool.ts";
import type { VerifyRequest } from "../verify-request.ts";
import { readAnswer, type RewardFunctionOptions } from "./reward-function.ts";

const fixture = (name: string): string => fileURLToPath(new URL(`../../fixtures/rewards/${name}`, import.meta.url));
const hasPython = spawnSync("python3", ["--version"]).status === 0;

const request = (id: number, response: string, more: Partial<VerifyRequest> = {}): VerifyRequest => ({
  id: String(id),
  ability: "math",
  response,
  groundTruth: "4",
  dataSource: "sums",
  ...more,
});

async function grade(rewardFunction: RewardFunctionOptions, requests: VerifyRequest[]) {
  await using pool = createVerifierPool({ jobs: 1, rewardFunction });
  return (await pool.grade(requests)).map(({ score, outcome, extracted, detail }) => ({ score, outcome, extracted, detail }));
}

describe("TypeScript", () => {
  test("verl's signature; what hangs, throws or is no reward is told from a wrong answer", async () => {
    const verdicts = await grade({ path: fixture("verl.ts"), timeoutMs: 500 }, [
      request(0, "4"),
      request(1, "5", { extraInfo: { bonus: 0.25 } }),
      request(2, "hang"),
      request(3, "throw"),
      request(4, "nonsense"),
      request(5, "record", { ability: "code" }),
      request(6, "4", { truncated: true }),
    ]);
    expect(verdicts).toMatchObject([
      { score: 1, outcome: "correct" },
      { score: 0.25, outcome: "wrong" },
      { score: 0, outcome: "timeout" },
      { score: 0, outcome: "crash", detail: expect.stringContaining("cannot read sums") },
      { score: 0, outcome: "crash", detail: expect.stringContaining("expected a finite number") },
      { score: 0.5, outcome: "correct", extracted: "x" },
      { score: 0, outcome: "no_answer" },
    ]);
  });

  test("TRL's signature", async () => {
    const prompt = [{ role: "user", content: "2+2" }];
    const verdicts = await grade({ path: fixture("trl.ts"), signature: "trl" }, [
      request(0, "four", { prompt }),
      request(1, "four", { prompt, groundTruth: "?" }),
    ]);
    expect(verdicts).toMatchObject([
      { score: 4, outcome: "correct" },
      { score: 0, outcome: "invalid_ground_truth" },
    ]);
  });
});

describe.skipIf(!hasPython)(`Python${hasPython ? "" : " (left out: no python3)"}`, () => {
  test("a verl file as it is: dictionaries, exceptions, time limit, death; nothing is left running", async () => {
    const verdicts = await grade({ path: fixture("rewards.py"), timeoutMs: 2_000 }, [
      request(0, "4"),
      request(1, "5"),
      request(2, "throw"),
      request(3, "hang"),
      request(4, "die"),
      request(5, "4"),
    ]);
    expect(verdicts).toMatchObject([
      { score: 1, outcome: "correct", extracted: "4" },
      { score: -1, outcome: "wrong" },
      { outcome: "crash", detail: expect.stringContaining("ValueError: no such answer") },
      { outcome: "timeout" },
      { outcome: "crash" },
      { score: 1, outcome: "correct" },
    ]);
    await expect.poll(runningHosts).toEqual([]);
  });

  test("TRL's signature, a function by name", async () => {
    const verdicts = await grade({ path: fixture("rewards.py"), signature: "trl", name: "reward_len" }, [
      request(0, "four", { prompt: [{ role: "user", content: "2+2" }], extraInfo: { hint: "x" } }),
    ]);
    expect(verdicts).toMatchObject([{ score: 4 }]);
  });
});

/** Python hosts of the fixture that are alive. */
function runningHosts(): string[] {
  const commandOf = (pid: string): string => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8");
    } catch {
      return "";
    }
  };
  if (process.platform !== "linux") return [];
  return readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && commandOf(pid).includes(fixture("rewards.py")));
}

test("a module that is not there, does not load or lacks the function is refused with its reason", async () => {
  expect(() => createVerifierPool({ rewardFunction: { path: "no/such.ts" } })).toThrow(
    "a .ts, .js or .py file that exists, got no/such.ts",
  );
  await expect(grade({ path: fixture("verl.ts"), name: "other" }, [request(0, "4")])).rejects.toThrow(
    "a function exported as other, got compute_score",
  );
  await expect(grade({ path: fixture("../broken-worker.ts") }, [request(0, "4")])).rejects.toThrow("no such engine");
});

test.each([
  [true, { score: 1, outcome: "correct" }],
  [0.5, { score: 0.5, outcome: "wrong" }],
  [
    { score: 0, outcome: "no_answer" },
    { score: 0, outcome: "no_answer" },
  ],
])("answer %j", (answer, expected) => {
  expect(readAnswer(answer, "verl")).toMatchObject(expected);
});

test.each([undefined, null, "1", Infinity, [1], {}, { score: "1" }, { score: 1, outcome: "fine" }])("answer %j is refused", (answer) => {
  expect(() => readAnswer(answer, "verl")).toThrow(TypeError);
});
