// The difficulty pass and the 32-vote judge of `longcot filter` against a real OpenAI-compatible server, `transformers serve` on a tiny model,
// behind a proxy that answers 429 and 500, breaks answers off and hangs, and a server that dies on the way: nothing is lost, nothing asked twice.
// Runs where LONGCOT_PYTHON has transformers[serving].
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runLongcot, TINY_MODEL } from "./longcot-process.ts";
import { scratchFolder } from "./scratch-folder.ts";

const PYTHON = process.env["LONGCOT_PYTHON"] ?? "python3";
const canServe = spawnSync(PYTHON, ["-c", "import transformers, torch, fastapi, uvicorn"]).status === 0;
const scratch = scratchFolder();

const PROBLEMS = 3;
const ROLLOUTS = 4;
const VOTES = 16;
/** Difficulty, then two judges. */
const QUESTIONS = PROBLEMS * (ROLLOUTS + 2 * VOTES);
/** The server dies after so many answers, for the first run that comes so far. */
const DIES_AFTER = 40;

let python: ChildProcess | undefined;
let served: string;
const delivered = new Map<string, number>();
let requests = 0;
let answers = 0;
let isToDie = true;

async function serve(): Promise<void> {
  const port = await freePort();
  const script =
    "import sys\nfrom transformers.cli.transformers import main\nsys.argv = ['transformers', 'serve', sys.argv[1], '--port', sys.argv[2], '--device', 'cpu']\nmain()";
  const env = { ...process.env, HF_HUB_OFFLINE: "1", HF_HOME: join(scratch, "hub"), OMP_NUM_THREADS: "1" };
  python = spawn(PYTHON, ["-c", script, TINY_MODEL, String(port)], { stdio: "ignore", env });
  served = `http://127.0.0.1:${port}`;
  while (
    !(await fetch(`${served}/health`).then(
      ({ ok }) => ok,
      () => false,
    ))
  )
    await sleep(200);
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}

/** What happens to the request of this number, whatever is asked. */
function fate(number: number): "ok" | "hang" | "cut" | 429 | 500 {
  if (number % 10 === 3) return 429;
  if (number % 10 === 6) return 500;
  if (number % 13 === 5) return "cut";
  return number % 23 === 8 ? "hang" : "ok";
}

async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const asked = JSON.parse((await buffer(request)).toString()) as { model: string; messages: unknown; seed: number };
  const what = fate(requests++);
  if (what === "hang") return;
  if (typeof what === "number") {
    response.writeHead(what, { "content-type": "application/json", "retry-after-ms": "5" }).end('{"error": {"message": "not now"}}');
    return;
  }
  // The server knows its one model by its path alone.
  const body = JSON.stringify({ ...asked, model: TINY_MODEL });
  const reply = await fetch(`${served}${request.url}`, { method: "POST", headers: { "content-type": "application/json" }, body });
  const answer = Buffer.from(await reply.arrayBuffer());
  response.writeHead(reply.status, { "content-type": "application/json", "content-length": answer.length });
  if (what === "cut") {
    response.write(answer.subarray(0, answer.length / 2), () => response.destroy());
    return;
  }
  response.end(answer, () => {
    const key = JSON.stringify([asked.model, asked.messages, asked.seed]);
    delivered.set(key, (delivered.get(key) ?? 0) + 1);
    if (++answers === DIES_AFTER && isToDie) python!.kill("SIGKILL");
  });
}
const proxy = createServer((request, response) => void pass(request, response).catch(() => response.destroy()));

describe.skipIf(!canServe)(`transformers serve${canServe ? "" : ` (left out: ${PYTHON} has no transformers[serving])`}`, () => {
  beforeAll(async () => {
    await Promise.all([serve(), once(proxy.listen(0, "127.0.0.1"), "listening")]);
  }, 120_000);
  afterAll(() => {
    python?.kill("SIGKILL");
    proxy.closeAllConnections();
    proxy.close();
  });

  test(
    "a server that dies, answers 429 and 500, breaks off and hangs: every question has one answer, and each is kept",
    { timeout: 600_000 },
    async () => {
      const input = join(scratch, "problems.jsonl");
      const problems = Array.from({ length: PROBLEMS }, (_, i) => ({
        problem: `What is ${i} + 3?`,
        answer: String(i + 3),
        source: "sums",
      }));
      writeFileSync(input, problems.map((problem) => `${JSON.stringify(problem)}\n`).join(""));
      const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/v1`;
      const server = { server: url, timeout_s: 8, retries: 4, concurrency: 4 };
      const recipe = join(scratch, "recipe.yaml");
      const steps = [
        { step: "measure-difficulty", model: "policy", rollouts: ROLLOUTS, max_tokens: 4, ...server },
        { step: "votes", judges: ["judge-a", "judge-b"].map((model) => ({ model, ...server })), votes: VOTES, max_tokens: 4 },
      ];
      writeFileSync(recipe, JSON.stringify({ sources: [{ files: [input] }], steps }));
      const out = join(scratch, "out");
      const run = () => runLongcot("filter", "--recipe", recipe, "--out", out);

      const died = await run();
      expect(died).toMatchObject({ code: 1, stdout: "" });
      expect(died.stderr).toMatch(/after 5 tries; the answers so far are in .*answers\.jsonl, start again to go on\n$/);
      const before = answers;
      expect(before).toBeGreaterThanOrEqual(DIES_AFTER);
      expect(before).toBeLessThan(QUESTIONS);
      isToDie = false;
      await serve();

      // A model of random weights says neither "valid" nor an answer: every problem falls, by all 32 votes and all answers.
      const done = await run();
      expect(done.code).toBe(1);
      expect(done.stderr).toContain(`expected at least one problem left to write, got none of ${PROBLEMS}`);
      const report = JSON.parse(readFileSync(join(out, "report.json"), "utf8")) as {
        steps: { step: string; dropped: object; facts: Record<string, unknown> }[];
      };
      expect(report.steps.slice(1)).toMatchObject([
        { step: "measure-difficulty", facts: { failed_rollouts: [0, 0, 0, 0, PROBLEMS] } },
        { step: "votes", dropped: { "low-quality": PROBLEMS }, facts: { votes_without_verdict: PROBLEMS * 2 * VOTES } },
      ]);
      expect(delivered.size).toBe(QUESTIONS);
      expect([...delivered.values()].filter((times) => times !== 1)).toEqual([]);
      expect(requests, "the proxy did its worst").toBeGreaterThan(QUESTIONS + 30);
      const asked = requests;
      await run();
      expect(requests, "a run that is done asks nothing").toBe(asked);
    },
  );
});
