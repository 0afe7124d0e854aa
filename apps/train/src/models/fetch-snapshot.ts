// Fetching a model or a data set from the Hugging Face hub into the hub's cache, where transformers and others find it too.
// @huggingface/hub speaks with the hub; its own cached download prints to stdout and checks nothing, so the files are put in place here.

import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { datasetInfo, downloadFile, HubApiError, listFiles, modelInfo } from "@huggingface/hub";
import type { ListFileEntry } from "@huggingface/hub";
import { DataError } from "@longcot/errors";
import { ADAPTER_CONFIG_FILE, COMPANION_FILES, hubHome, hubModelFolder } from "@longcot/language-model";
import type { HubModel } from "@longcot/language-model";
import { createRowsProgress } from "./rows-progress.ts";

/** The files of a repository that are wanted, of all paths in it; `fetch` brings one of them first and returns its place, to decide by. */
export type ChooseFiles = (paths: readonly string[], fetch: (path: string) => Promise<string>) => Promise<readonly string[]>;

/** Config, tokenizer files and safetensors weights. */
const modelFiles: ChooseFiles = async (paths) => paths.filter(isWanted);

/** Fetches what is missing of `model`, by default {@link modelFiles}; returns its snapshot's folder. */
export async function fetchSnapshot(model: HubModel, choose: ChooseFiles = modelFiles): Promise<string> {
  const hub = await hubAccess();
  const isDataset = model.type === "dataset";
  const repo = { type: model.type ?? "model", name: model.name };
  const which = { name: model.name, revision: model.revision, additionalFields: ["sha" as const], ...hub };
  const { sha } = isDataset ? await datasetInfo(which) : await modelInfo(which);
  const snapshot = join(hubModelFolder(model), "snapshots", sha);
  const all = new Map<string, ListFileEntry>();
  for await (const entry of listFiles({ repo, revision: sha, recursive: isDataset, ...hub }))
    if (entry.type === "file") all.set(entry.path, entry);
  const paths = await choose([...all.keys()], async (path) => {
    await fetchFile(all.get(path)!, () => {});
    return join(snapshot, path);
  });
  const wanted = paths.map((path) => all.get(path)!);
  const progress = createRowsProgress(`fetching ${model.name}`);
  const total = wanted.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  try {
    for (const entry of wanted) {
      await fetchFile(entry, (bytes) => {
        done += bytes;
        progress.update({ done, total, text: `${megabytes(done)} of ${megabytes(total)} MB` });
      });
    }
  } finally {
    progress.close();
  }
  await mkdir(snapshot, { recursive: true });
  // Last: a reference to a snapshot means that it is whole.
  const reference = join(hubModelFolder(model), "refs", model.revision);
  if (model.revision !== sha) {
    await mkdir(dirname(reference), { recursive: true });
    await writeFile(reference, sha);
  }
  return snapshot;

  /** Leaves the file's content in blobs/, under its hash, and a link to it in the snapshot. */
  async function fetchFile({ path, size, oid, lfs }: ListFileEntry, onBytes: (bytes: number) => void): Promise<void> {
    const link = join(snapshot, path);
    if ((await sizeOf(link)) === size) return onBytes(size);
    const blob = join(hubModelFolder(model), "blobs", lfs?.oid ?? oid ?? `${sha}-${path}`);
    if ((await sizeOf(blob)) === size) onBytes(size);
    else {
      const content = await downloadFile({ repo, path, revision: sha, ...hub });
      if (content === null) throw new DataError({ who: model.name, argument: path, expected: "a file on the hub", received: "none" });
      await mkdir(dirname(blob), { recursive: true });
      const hash = createHash("sha256");
      let bytes = 0;
      const count = new Transform({
        transform(chunk: Buffer, _, next) {
          hash.update(chunk);
          bytes += chunk.length;
          onBytes(chunk.length);
          next(null, chunk);
        },
      });
      const incomplete = `${blob}.incomplete`;
      await pipeline(Readable.fromWeb(content.stream() as ReadableStream), count, createWriteStream(incomplete, { flush: true }));
      if (bytes !== size || (lfs !== undefined && hash.digest("hex") !== lfs.oid))
        throw new DataError({
          who: model.name,
          argument: path,
          expected: `${size} bytes of the hash that the hub names`,
          received: `${bytes} others`,
        });
      await rename(incomplete, blob);
    }
    await mkdir(dirname(link), { recursive: true });
    await rm(link, { force: true });
    await symlink(relative(dirname(link), blob), link);
  }
}

/** Whether the hub answered and refused (no such model, no access): unlike a network that fails, it is no reason to use the cache. */
export function isRefusal(error: unknown): boolean {
  return error instanceof HubApiError && error.statusCode < 500;
}

function isWanted(path: string): boolean {
  return ["config.json", ADAPTER_CONFIG_FILE, ...COMPANION_FILES].includes(path) || /^[^/]+\.safetensors(\.index\.json)?$/.test(path);
}

/** Where the hub is (`HF_ENDPOINT`) and who asks (`HF_TOKEN`, or the token of `hf auth login`). */
async function hubAccess(): Promise<{ hubUrl?: string; accessToken?: string }> {
  const hubUrl = process.env["HF_ENDPOINT"]?.replace(/\/+$/, "");
  const stored = async () => (await readFile(process.env["HF_TOKEN_PATH"] ?? join(hubHome(), "token"), "utf8").catch(() => "")).trim();
  const accessToken = process.env["HF_TOKEN"] ?? (await stored());
  return { ...(hubUrl === undefined || hubUrl === "" ? {} : { hubUrl }), ...(accessToken === "" ? {} : { accessToken }) };
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.size;
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);
