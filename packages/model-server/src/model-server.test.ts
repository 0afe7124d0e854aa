import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { startUnreliableServer, type Behaviour } from "@longcot/vitest-config/unreliable-server";
import { openModelServer, type ModelServerOptions } from "./model-server.ts";
import type { Question } from "./question.ts";

const folder = mkdtempSync(join(tmpdir(), "longcot-server-"));
afterAll(() => rmSync(folder, { recursive: true }));
const question = (content: string, sample?: number): Question => ({
  messages: [{ role: "user", content }],
  ...(sample === undefined ? {} : { sample }),
});
const echo = ({ messages }: { messages: { content: string }[] }): Behaviour => ({ text: `re: ${messages.at(-1)!.content}` });

/** Runs `work` on a server of `behave` and returns how many requests it got. */
async function withServer(
  behave: Parameters<typeof startUnreliableServer>[0],
  options: Partial<ModelServerOptions>,
  work: (server: ReturnType<typeof openModelServer>) => Promise<void>,
): Promise<number> {
  const served = await startUnreliableServer(behave);
  const server = openModelServer({ url: served.url, model: "m", concurrency: 3, timeoutMs: 2000, retries: 3, ...options });
  try {
    await work(server);
  } finally {
    server.close();
    await served.close();
  }
  return served.requests.length;
}

test("answers come in the order of the questions, whatever fails on the way", async () => {
  const failures: Behaviour[] = [{ status: 500 }, { status: 429 }, "break", { status: 503 }];
  const asked = await withServer(
    (body, number) => failures[number] ?? echo(body),
    {},
    async (server) => {
      const answers = await server.askAll(Array.from({ length: 10 }, (_, i) => question(String(i))));
      expect(answers.map(({ text }) => text)).toEqual(Array.from({ length: 10 }, (_, i) => `re: ${i}`));
      expect(answers[0]).toEqual({ text: "re: 0", finishReason: "stop", promptTokens: 3, completionTokens: 2 });
    },
  );
  expect(asked).toBe(14);
});

test("a hung question is asked again", async () => {
  await withServer(
    (body, number) => (number === 0 ? "hang" : echo(body)),
    { timeoutMs: 150 },
    async (server) => {
      expect((await server.askAll([question("x")]))[0]!.text).toBe("re: x");
    },
  );
});

test("an answer that breaks off or stalls midway is asked for again, and in the end is an error that says so", async () => {
  const asked = await withServer(
    (body, number) => (number === 0 ? "cut" : number === 1 ? "stall" : echo(body)),
    { timeoutMs: 300 },
    async (server) => {
      expect((await server.askAll([question("x")]))[0]!.text).toBe("re: x");
    },
  );
  expect(asked).toBe(3);
  for (const [behaviour, reason] of [
    ["cut", "no connection (terminated), after 2 tries"],
    ["stall", "no connection (the answer stopped for 200 ms), after 2 tries"],
  ] as const)
    await withServer(
      () => behaviour,
      { timeoutMs: 200, retries: 1 },
      async (server) => {
        await expect(server.askAll([question("x")])).rejects.toThrow(reason);
      },
    );
});

test("when the server dies midway, what was answered is kept, and only the rest is asked later", async () => {
  const store = join(folder, "dies.jsonl");
  const questions = Array.from({ length: 8 }, (_, i) => question(String(i)));
  const first = await withServer(
    (body, number) => (number < 5 ? echo(body) : { status: 400 }),
    { store, concurrency: 1 },
    async (server) => {
      await expect(server.askAll(questions)).rejects.toThrow(
        `got status 400: 400 not now; the answers so far are in ${store}, start again to go on`,
      );
    },
  );
  const second = await withServer(echo, { store }, async (server) => {
    expect((await server.askAll(questions)).map(({ text }) => text)).toEqual(questions.map((_, i) => `re: ${i}`));
  });
  expect([first, second]).toEqual([6, 3]);
});

test("the same question is asked once; another sample, seed or cap is another question", async () => {
  const seeded: Question = { ...question("x"), sampling: { seed: 2, maxTokens: 7, temperature: 0.5, topP: 0.9 } };
  const asked = await withServer(echo, { store: join(folder, "same.jsonl") }, async (server) => {
    await server.askAll([question("x"), question("x"), question("x", 1), seeded]);
    await server.askAll([question("x"), question("x", 1), seeded]);
  });
  expect(asked).toBe(3);
});

test("an abort ends with its reason and keeps what was answered", async () => {
  const store = join(folder, "abort.jsonl");
  const controller = new AbortController();
  await withServer(
    (body, number) => (number < 2 ? echo(body) : "hang"),
    { store, concurrency: 1, timeoutMs: 60_000 },
    async (server) => {
      const asking = server.askAll(
        ["a", "b", "c"].map((text) => question(text)),
        {
          signal: controller.signal,
          onProgress: ({ done }) => done === 2 && controller.abort(new Error("enough")),
        },
      );
      await expect(asking).rejects.toThrow("enough");
    },
  );
  expect(readFileSync(store, "utf8").trim().split("\n")).toHaveLength(2);
});

test("a half-written last line is asked again, any other foreign line is an error", async () => {
  const store = join(folder, "torn.jsonl");
  await withServer(echo, { store }, async (server) => void (await server.askAll([question("a")])));
  appendFileSync(store, '{"key":"x","te');
  expect(await withServer(echo, { store }, async (server) => void (await server.askAll([question("a"), question("b")])))).toBe(1);
  writeFileSync(store, "{}\n");
  expect(() => openModelServer({ url: "http://127.0.0.1:1/v1", model: "m", store })).toThrow(
    `${store}:1: expected an answer written by this program, got "{}"`,
  );
});

test("no server there, and options that are none, are one clear error", async () => {
  const server = openModelServer({ url: "http://127.0.0.1:9/v1", model: "m", retries: 0 });
  await expect(server.askAll([question("x")])).rejects.toThrow(
    /^m at http:\/\/127\.0\.0\.1:9\/v1: expected an answer, got no connection .*after 1 tries/,
  );
  expect(() => openModelServer({ url: "localhost", model: "m" })).toThrow("url must be the http address of an API");
  expect(() => openModelServer({ url: "http://x", model: "m", concurrency: 0 })).toThrow(
    "concurrency must be a whole number from 1, got 0",
  );
});
