import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddingServer } from "@longcot/model-server";
import { startUnreliableServer } from "@longcot/vitest-config/unreliable-server";
import { afterAll, expect, test } from "vitest";
import { runPipeline } from "../run-pipeline.ts";
import { dropAlike } from "./drop-alike.ts";

const folder = mkdtempSync(join(tmpdir(), "longcot-alike-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** [statement, answer, direction in degrees that the server gives it]. */
const PROBLEMS: [statement: string, answer: string, degrees: number][] = [
  ["Anna has 3 apples and buys 4 more. How many has she?", "7", 0],
  ["If 4 apples join the 3 of Anna, what does she own?", "7", 10], // 10° from row 0: cosine 0.985
  ["Anna has 3 apples and buys 5 more. How many has she?", "8", 1], // other numbers
  ["Anna had 3 apples and 4 were stolen from Bert. Is it 7?", "7", 5], // another number
  ["Anna has 3 apples and buys 4 more. What is the product?", "12", 0], // another answer
  ["A triangle has sides 3 and 4; how many units are both?", "7", 60], // far away
  ["Compute 100 + 1.", "101", 0], // numbers of its own: not even embedded
  ["With 3 apples Anna gets 4: the sum?", "7", 22], // 22° from row 0, 12° from row 1, which is dropped: stays
];
const input = join(folder, "problems.jsonl");
writeFileSync(input, PROBLEMS.map(([prompt, answer]) => JSON.stringify({ prompt, answer, data_source: "made" })).join("\n"));

test("the same in other words goes, with its pair and cosine; other numbers or another answer stay, and nothing is asked twice", async () => {
  let isDead = true;
  const served = await startUnreliableServer(({ input: texts }, number) => {
    if (number === 0) return { status: 503 };
    if (isDead && number > 1) return { status: 400 };
    return {
      vectors: texts!.map((text) => {
        const degrees = PROBLEMS.find(([statement]) => statement === text)![2];
        return [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
      }),
    };
  });
  const server = openEmbeddingServer({ url: served.url, model: "embedder", concurrency: 1, batchSize: 2, store: join(folder, "e.jsonl") });
  const run = async () =>
    await runPipeline({
      sources: [{ files: [input] }],
      steps: [dropAlike({ server, threshold: 0.95 })],
      output: join(folder, "out.parquet"),
      folder: join(folder, "work"),
    });
  await expect(run()).rejects.toThrow("status 400");
  isDead = false;
  const { steps, examples } = await run();
  expect(steps[1]).toMatchObject({ rowsIn: 8, dropped: { "near-duplicate": 1 }, facts: { embedded: 4 } });
  expect(JSON.stringify(examples)).toContain("repeats row 0, cosine 0.985 by embedder");
  const asked = served.requests.flatMap(({ input: texts }) => texts!);
  // The first request failed, as did the one that the server died of; all others were asked once.
  expect(asked).toHaveLength(4 + 2 + 2);
  expect(new Set(asked).size).toBe(4);
  server.close();
  await served.close();
});

test("a threshold outside (0, 1]", async () => {
  const server = openEmbeddingServer({ url: "http://127.0.0.1:9/v1", model: "e" });
  expect(() => dropAlike({ server, threshold: 0 })).toThrow("dropAlike: threshold must be above 0, at most 1, got 0");
});
