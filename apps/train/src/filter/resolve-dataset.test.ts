// Data sets by their names on the hub, from a local server that answers as the hub does; and which files of one hold a split.
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadPrompts, writePrompts } from "@longcot/data-filter";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { filterCommand } from "../cli/filter.ts";
import { runCli } from "../cli/run-cli.ts";
import { splitFiles } from "./dataset-files.ts";
import { loadFilterRecipe } from "./filter-recipe.ts";
import { parseDataset, resolveDataset } from "./resolve-dataset.ts";
import * as work from "./run-filter.ts";

describe("files of a split", () => {
  const files = (paths: string[], { split = "train", config, readme }: { split?: string; config?: string; readme?: string } = {}) =>
    splitFiles(paths, readme, { name: "a/b", config, split });
  const card = (yaml: string) => `---\nlicense: mit\n${yaml}\n---\n# A card\n`;

  test("by name: parquet before the rest, one split alone, all where none is named", () => {
    const paths = [
      "README.md",
      "data/train-00000-of-00002.parquet",
      "data/train-00001-of-00002.parquet",
      "data/test-00000-of-00001.parquet",
      "train.jsonl",
    ];
    expect(files(paths)).toEqual(paths.slice(1, 3));
    expect(files(paths, { split: "test" })).toEqual([paths[3]]);
    expect(files(paths, { split: "validation" })).toEqual([]);
    expect(files(["AIME_2024.jsonl", "dataset_infos.json"])).toEqual(["AIME_2024.jsonl"]);
    expect(files(["main/train-0.parquet", "socratic/train-0.parquet"], { config: "socratic" })).toEqual(["socratic/train-0.parquet"]);
    expect(files(["default/train/0000.parquet", "default/test/0000.parquet"])).toEqual(["default/train/0000.parquet"]);
  });

  test("by the card's configurations", () => {
    const paths = ["main/train-0.parquet", "main/test-0.parquet", "socratic/train-0.parquet", "README.md"];
    const readme = card(
      'configs:\n- config_name: main\n  default: true\n  data_files: [{ split: train, path: "main/train-*" }, { split: test, path: ["main/test-*"] }]\n- config_name: socratic\n  data_files: "socratic/*"',
    );
    expect(files(paths, { readme })).toEqual(["main/train-0.parquet"]);
    expect(files(paths, { readme, split: "test" })).toEqual(["main/test-0.parquet"]);
    expect(files(paths, { readme, config: "socratic" })).toEqual(["socratic/train-0.parquet"]);
    expect(() => files(paths, { readme, config: "other" })).toThrow("a/b: config must be one of main, socratic, got other");
    expect(() => files(paths, { readme, split: "dev" })).toThrow("a/b: split must be one of train, test, got dev");
    expect(() => files(paths, { readme: readme.replace("  default: true\n", "") })).toThrow(
      "config must be one of main, socratic, got nothing",
    );
  });

  test("a card that says nothing, or no YAML", () => {
    expect(files(["x.parquet"], { readme: card("tags: [math]") })).toEqual(["x.parquet"]);
    expect(files(["x.parquet"], { readme: "---\n: : [\n---\n" })).toEqual(["x.parquet"]);
  });
});

test("what names a data set", () => {
  expect(parseDataset("openai/gsm8k:test")).toEqual({ dataset: "openai/gsm8k", split: "test" });
  expect(parseDataset("openai/gsm8k@v1")).toEqual({ dataset: "openai/gsm8k@v1" });
  for (const path of ["raw/math.parquet", "raw/*.jsonl", "math.jsonl", "./a/b", "src"]) expect(parseDataset(path)).toBeUndefined();
});

describe("from the hub", () => {
  const SHA = "0123456789abcdef0123456789abcdef01234567";
  const folder = mkdtempSync(join(tmpdir(), "longcot-datasets-"));
  const files = new Map<string, Buffer>();
  let requests: string[] = [];

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const path = decodeURIComponent(new URL(request.url!, "http://hub").pathname);
    requests.push(path);
    const json = (value: unknown, status = 200): void =>
      void response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(value));
    if (path === "/api/datasets/someone/sums/revision/main")
      return json({ _id: "1", id: "someone/sums", sha: SHA, lastModified: "2026-01-01", tags: [] });
    if (path === `/api/datasets/someone/sums/tree/${SHA}`)
      return json(
        [...files].map(([name, content]) => ({
          type: "file",
          path: name,
          size: content.length,
          oid: createHash("sha1").update(content).digest("hex"),
        })),
      );
    const content = files.get(path.replace(`/datasets/someone/sums/resolve/${SHA}/`, ""));
    if (content === undefined) return json({ error: "Repository not found" }, 404);
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
    const [from, to] = range === null ? [0, content.length - 1] : [Number(range[1]), Number(range[2])];
    const headers = { ETag: '"tag"', "Content-Range": `bytes ${from}-${to}/${content.length}`, "Content-Type": "application/octet-stream" };
    response.writeHead(range === null ? 200 : 206, headers).end(content.subarray(from, to + 1));
  }

  const server = createServer(answer);
  beforeAll(async () => {
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const { readFileSync } = await import("node:fs");
    for (const split of ["train", "test"]) {
      const path = join(folder, `${split}.parquet`);
      await writePrompts(path, [
        {
          promptId: "0",
          dataSource: split,
          messages: [{ role: "user", content: `What is 1+${split.length}?` }],
          ability: "math",
          groundTruth: String(1 + split.length),
          extraInfo: { index: 0 },
        },
      ]);
      files.set(`data/${split}-00000-of-00001.parquet`, readFileSync(path));
    }
    files.set("README.md", Buffer.from("---\nlicense: mit\n---\n# Sums\n"));
  });
  afterAll(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  beforeEach(() => {
    requests = [];
    vi.unstubAllEnvs();
    vi.stubEnv("HF_ENDPOINT", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    vi.stubEnv("HF_HUB_CACHE", undefined);
    vi.stubEnv("HF_HOME", join(folder, "home"));
  });
  const fetched = () => requests.filter((path) => path.includes("/resolve/") && path.endsWith(".parquet"));

  test("one split is fetched into the hub's cache once, and found there offline", async () => {
    const [path] = await resolveDataset({ dataset: "someone/sums" });
    expect(path).toBe(join(folder, "home", "hub", "datasets--someone--sums", "snapshots", SHA, "data", "train-00000-of-00001.parquet"));
    expect((await loadPrompts(path!))[0]!.groundTruth).toBe("6");
    expect(new Set(fetched())).toEqual(new Set([`/datasets/someone/sums/resolve/${SHA}/data/train-00000-of-00001.parquet`]));
    requests = [];
    expect(await resolveDataset({ dataset: "someone/sums" })).toEqual([path]);
    expect(fetched()).toEqual([]);
    requests = [];
    vi.stubEnv("HF_HUB_OFFLINE", "1");
    expect(await resolveDataset({ dataset: "someone/sums" })).toEqual([path]);
    await expect(resolveDataset({ dataset: "someone/sums", split: "test" })).rejects.toThrow(
      "not in the hub's cache (HF_HUB_OFFLINE is set)",
    );
    expect(requests).toEqual([]);
  });

  test("longcot filter reads it by name", async () => {
    const out = join(folder, "filtered.parquet");
    const command = filterCommand(async () => ({ loadFilterRecipe, ...work }));
    expect(await runCli(["filter", "--input", "someone/sums:test", "--steps", "schema", "--out", out], [command], "0")).toBe(0);
    expect((await loadPrompts(out)).map(({ dataSource }) => dataSource)).toEqual(["test"]);
  });

  test("what is not there is one line", async () => {
    await expect(resolveDataset({ dataset: "someone/else" })).rejects.toThrow(
      "expected files of someone/else on the hub, got the hub says: Repository not found",
    );
    await expect(resolveDataset({ dataset: "someone/sums", split: "dev" })).rejects.toThrow("got no file of split dev that can be read");
    await expect(resolveDataset({ dataset: "no name" })).rejects.toThrow("expected owner/name of a data set on the hub");
  });
});
