// The cache of the Hugging Face hub on this machine, as its own tools keep it: models--owner--name/{refs,snapshots,blobs}, datasets--… Read only, no network.

import { readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

/** A model, or another repository, on the hub. */
export interface HubModel {
  /** Default `model`. */
  type?: "model" | "dataset";
  /** `owner/name`. */
  name: string;
  /** A branch, tag or commit. */
  revision: string;
}

/** `owner/name` or `owner/name@revision` as a model of the hub; undefined where `reference` cannot be one. */
export function parseHubReference(reference: string): HubModel | undefined {
  const match = /^(?<name>[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*)(?:@(?<revision>[\w./-]+))?$/.exec(reference);
  const { name, revision = "main" } = match?.groups ?? {};
  return name === undefined || revision.split("/").includes("..") ? undefined : { name, revision };
}

/** The folder of the cache: `HF_HUB_CACHE`, else `hub` in `HF_HOME`, else `~/.cache/huggingface/hub` (or below `XDG_CACHE_HOME`). */
export function hubCacheFolder(): string {
  return process.env["HF_HUB_CACHE"] ?? join(hubHome(), "hub");
}

/** `HF_HOME` or its default. */
export function hubHome(): string {
  return process.env["HF_HOME"] ?? join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "huggingface");
}

/** The folder of a model in the cache. */
export function hubModelFolder({ name, type = "model" }: HubModel): string {
  return join(hubCacheFolder(), `${type}s--${name.replace("/", "--")}`);
}

/** The snapshot of `model` in the cache that its revision stands for; undefined where there is none. */
export async function findSnapshot(model: HubModel): Promise<string | undefined> {
  const folder = hubModelFolder(model);
  const commit = await readFile(join(folder, "refs", model.revision), "utf8").catch(() => model.revision);
  const snapshot = join(folder, "snapshots", commit.trim());
  return (await stat(snapshot).catch(() => undefined))?.isDirectory() === true ? snapshot : undefined;
}
