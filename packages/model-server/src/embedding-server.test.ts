import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { startUnreliableServer, type Behaviour } from "@longcot/vitest-config/unreliable-server";
import { openEmbeddingServer } from "./embedding-server.ts";

const folder = mkdtempSync(join(tmpdir(), "longcot-embeddings-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The vector of a text is its length and 1. */
const lengths = ({ input }: { input?: string[] }): Behaviour => ({ vectors: input!.map((text) => [text.length, 1]) });

test("vectors of norm 1 in the order of the texts, whatever fails on the way; nothing is asked twice, also not later", async () => {
  const failures: Behaviour[] = [{ status: 429 }, "hang", "cut", { status: 500 }];
  const served = await startUnreliableServer((body, number) => failures[number] ?? lengths(body));
  const options = { url: served.url, model: "e", concurrency: 2, batchSize: 2, timeoutMs: 300, retries: 5, store: join(folder, "e.jsonl") };
  const texts = ["a", "bb", "a", "ccc", "dddd", "eeeee"];
  const server = openEmbeddingServer(options);
  const vectors = await server.embedAll(texts);
  server.close();
  for (const [i, text] of texts.entries()) {
    const norm = Math.hypot(text.length, 1);
    expect(vectors[i]).toEqual(Float32Array.of(text.length / norm, 1 / norm));
  }
  const answered = served.requests.length;
  expect(answered).toBe(failures.length + 3);
  const again = openEmbeddingServer(options);
  expect(await again.embedAll([...texts, "a longer one"])).toEqual([
    ...vectors,
    Float32Array.of(12 / Math.hypot(12, 1), 1 / Math.hypot(12, 1)),
  ]);
  again.close();
  expect(served.requests.slice(answered).map(({ input }) => input)).toEqual([["a longer one"]]);
  await served.close();
});

test("a server that dies midway: what came is kept, only the rest is asked later", async () => {
  const store = join(folder, "dies.jsonl");
  const texts = ["a", "bb", "ccc", "dddd"];
  const dying = await startUnreliableServer((body, number) => (number < 2 ? lengths(body) : { status: 400 }));
  const options = { model: "e", concurrency: 1, batchSize: 1, store };
  const first = openEmbeddingServer({ ...options, url: dying.url });
  await expect(first.embedAll(texts)).rejects.toThrow(
    `got status 400: 400 not now; the answers so far are in ${store}, start again to go on`,
  );
  first.close();
  await dying.close();
  expect(readFileSync(store, "utf8").trim().split("\n")).toHaveLength(2);
  const served = await startUnreliableServer(lengths);
  const second = openEmbeddingServer({ ...options, url: served.url });
  expect(await second.embedAll(texts)).toHaveLength(4);
  expect(served.requests.map(({ input }) => input)).toEqual([["ccc"], ["dddd"]]);
  second.close();
  await served.close();
});

test.each<[what: string, vectors: number[][], message: string]>([
  ["too few vectors", [[1, 0]], "e at URL: expected a vector of finite numbers, not all 0, for each of 2 texts, got none for text 1"],
  [
    "a vector without a direction",
    [
      [1, 0],
      [0, 0],
    ],
    "got [0,0] for text 1",
  ],
  [
    "vectors of two lengths",
    [
      [1, 0],
      [1, 0, 0],
    ],
    "expected vectors of 2 values, got one of 3",
  ],
])("%s are one clear error", async (_, vectors, message) => {
  const served = await startUnreliableServer(() => ({ vectors }));
  const server = openEmbeddingServer({ url: served.url, model: "e" });
  await expect(server.embedAll(["a", "b"])).rejects.toThrow(message.replace("URL", served.url));
  await served.close();
});

test("options that are none", () => {
  expect(() => openEmbeddingServer({ url: "http://x", model: "e", batchSize: 0 })).toThrow(
    "batchSize must be a whole number from 1, got 0",
  );
  expect(() => openEmbeddingServer({ url: "x", model: "e" })).toThrow("openEmbeddingServer: url must be the http address of an API");
});
