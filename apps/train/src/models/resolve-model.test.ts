// Models by their names on the hub, from a local server that answers as the hub does.
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readModelConfig } from "@longcot/language-model";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { resolveModel } from "./resolve-model.ts";

const MODEL = fileURLToPath(new URL("../../../../packages/language-model/fixtures/tiny-qwen2-sharded", import.meta.url));
const SHA = "0123456789abcdef0123456789abcdef01234567";
const folder = mkdtempSync(join(tmpdir(), "longcot-hub-"));
const files = new Map([
  ...readdirSync(MODEL).map((name) => [name, readFileSync(join(MODEL, name))] as const),
  ["pytorch_model.bin", Buffer.from("not wanted")],
]);
const sha256 = (content: Buffer): string => createHash("sha256").update(content).digest("hex");
let requests: string[] = [];
let isDamaged = false;

function answer(request: IncomingMessage, response: ServerResponse): void {
  const path = decodeURIComponent(new URL(request.url!, "http://hub").pathname);
  requests.push(`${request.method} ${path}`);
  const json = (value: unknown, status = 200): void =>
    void response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(value));
  if (request.headers.authorization !== "Bearer hf_secret") return json({ error: "Repository not found" }, 401);
  if (path === "/api/models/someone/tiny/revision/main")
    return json({ _id: "1", id: "someone/tiny", sha: SHA, lastModified: "2026-01-01" });
  if (path === `/api/models/someone/tiny/tree/${SHA}`)
    return json(
      [...files].map(([name, content]) => ({
        type: "file",
        path: name,
        size: content.length,
        oid: createHash("sha1").update(content).digest("hex"),
        ...(name.endsWith(".safetensors") ? { lfs: { oid: sha256(content), size: content.length, pointerSize: 130 } } : {}),
      })),
    );
  const content = files.get(path.replace(`/someone/tiny/resolve/${SHA}/`, ""));
  if (content === undefined) return json({ error: "Repository not found" }, 404);
  const body = isDamaged ? Buffer.from(content.map((byte) => byte ^ 1)) : content;
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
  const [from, to] = range === null ? [0, body.length - 1] : [Number(range[1]), Number(range[2])];
  const headers = { ETag: '"tag"', "Content-Range": `bytes ${from}-${to}/${body.length}`, "Content-Type": "application/octet-stream" };
  response.writeHead(range === null ? 200 : 206, headers).end(body.subarray(from, to + 1));
}

const server = createServer(answer);
beforeAll(() => new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve)));
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  requests = [];
  isDamaged = false;
  vi.unstubAllEnvs();
  vi.stubEnv("HF_ENDPOINT", `http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  vi.stubEnv("HF_TOKEN", "hf_secret");
  vi.stubEnv("HF_HUB_CACHE", undefined);
  vi.stubEnv("HF_HOME", join(folder, "home"));
});

test("a folder is itself, and asks nobody", async () => {
  expect(await resolveModel(MODEL)).toBe(MODEL);
  expect(requests).toEqual([]);
});

test("a damaged download is refused and leaves no snapshot that counts", async () => {
  vi.stubEnv("HF_HOME", join(folder, "damaged"));
  isDamaged = true;
  await expect(resolveModel("someone/tiny")).rejects.toThrow("bytes of the hash that the hub names");
  vi.stubEnv("HF_HUB_OFFLINE", "1");
  await expect(resolveModel("someone/tiny")).rejects.toThrow("not in the hub's cache (HF_HUB_OFFLINE is set)");
});

test("a name is fetched into the hub's cache once, and found there offline", async () => {
  const snapshot = await resolveModel("someone/tiny");
  const root = join(folder, "home", "hub", "models--someone--tiny");
  expect(snapshot).toBe(join(root, "snapshots", SHA));
  expect(readFileSync(join(root, "refs", "main"), "utf8")).toBe(SHA);
  const wanted = [...files.keys()].filter((name) => name === "config.json" || /safetensors/.test(name)).toSorted();
  expect(readdirSync(snapshot).toSorted()).toEqual(wanted);
  for (const name of wanted) expect(readFileSync(join(snapshot, name))).toEqual(files.get(name));
  const shard = "model-00002-of-00003.safetensors";
  expect(readlinkSync(join(snapshot, shard))).toBe(join("..", "..", "blobs", sha256(files.get(shard)!)));
  expect((await readModelConfig(snapshot)).architecture).toBe("qwen2");

  const first = requests.length;
  expect(await resolveModel("someone/tiny")).toBe(snapshot);
  expect(requests.slice(first).filter((path) => path.includes("/resolve/"))).toEqual([]);
  requests = [];
  vi.stubEnv("HF_HUB_OFFLINE", "1");
  expect(await resolveModel("someone/tiny")).toBe(snapshot);
  expect(await resolveModel(`someone/tiny@${SHA}`)).toBe(snapshot);
  expect(requests).toEqual([]);
});

test("the base model of adapters is fetched with them", async () => {
  const adapter = mkdtempSync(join(folder, "adapter-"));
  const config = { peft_type: "LORA", r: 2, lora_alpha: 2, target_modules: ["q_proj"], base_model_name_or_path: "someone/tiny" };
  writeFileSync(join(adapter, "adapter_config.json"), JSON.stringify(config));
  vi.stubEnv("HF_HOME", join(folder, "another"));
  expect(await resolveModel(adapter)).toBe(adapter);
  expect((await readModelConfig(adapter)).layers).toBe(2);
});

test("what the hub does not have, or not for us, and what is no name", async () => {
  await expect(resolveModel("someone/else")).rejects.toThrow(
    'model: expected a folder that exists, or owner/name of a model on the hub, got "someone/else", which is no folder, and the hub says: Repository not found',
  );
  vi.stubEnv("HF_TOKEN", "hf_wrong");
  await expect(resolveModel("someone/tiny")).rejects.toThrow("private and gated models need HF_TOKEN");
  await expect(resolveModel("./models/none")).rejects.toThrow('got "./models/none"');
});

test("where the hub cannot be reached the cache does", async () => {
  const written = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  vi.stubEnv("HF_ENDPOINT", "http://127.0.0.1:9");
  expect(await resolveModel("someone/tiny")).toBe(join(folder, "home", "hub", "models--someone--tiny", "snapshots", SHA));
  expect(written.mock.calls.flat().join("")).toContain("using the cache");
  written.mockRestore();
});
