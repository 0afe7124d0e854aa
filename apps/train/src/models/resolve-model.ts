// What `--model` and a recipe's `model` name: a folder, or a model on the Hugging Face hub, which is fetched into the hub's own cache.

import { existsSync, statSync } from "node:fs";
import { ConfigError, DataError } from "@longcot/errors";
import { ADAPTER_CONFIG_FILE, findSnapshot, parseHubReference, readAdapterConfig } from "@longcot/language-model";
import { join } from "node:path";
import { fetchSnapshot, isRefusal } from "./fetch-snapshot.ts";

/**
 * The folder of the model `reference`: itself where it is one, else the snapshot of `owner/name` or `owner/name@revision`. With `HF_HUB_OFFLINE`,
 * or where the hub cannot be reached, the cache alone is asked. The base model of adapters is fetched too.
 * @throws ConfigError where `reference` is neither; DataError where the model cannot be had.
 */
export async function resolveModel(reference: string): Promise<string> {
  const folder = existsSync(reference) && statSync(reference).isDirectory() ? reference : await fromHub(reference);
  if (existsSync(join(folder, ADAPTER_CONFIG_FILE)) && !existsSync(join(folder, "config.json"))) {
    const { base } = await readAdapterConfig(folder);
    if (!existsSync(base)) await fromHub(base);
  }
  return folder;
}

async function fromHub(reference: string): Promise<string> {
  const model = parseHubReference(reference);
  const who = "model";
  const expected = "a folder that exists, or owner/name of a model on the hub";
  if (model === undefined) throw new ConfigError({ who, expected, received: JSON.stringify(reference) });
  const cached = await findSnapshot(model);
  if (isOffline()) {
    if (cached !== undefined) return cached;
    throw new DataError({
      who,
      expected,
      received: `${JSON.stringify(reference)}, which is no folder, and not in the hub's cache (HF_HUB_OFFLINE is set)`,
    });
  }
  try {
    return await fetchSnapshot(model);
  } catch (cause) {
    if (cached !== undefined && !isRefusal(cause)) {
      process.stderr.write(`${reference}: the hub cannot be reached (${reasonOf(cause)}); using the cache\n`);
      return cached;
    }
    throw new DataError({
      who,
      expected,
      received: `${JSON.stringify(reference)}, which is no folder, and the hub says: ${reasonOf(cause)}`,
      fix: isRefusal(cause) ? "Check the name; private and gated models need HF_TOKEN" : "Check the network, or HF_ENDPOINT",
      cause,
    });
  }
}

/** A failed fetch says why in its cause alone. */
export function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message} (${cause.message || (cause as NodeJS.ErrnoException).code})` : message;
}

/** As the hub's own tools read it. */
export function isOffline(): boolean {
  return ["1", "true", "yes", "on"].includes((process.env["HF_HUB_OFFLINE"] ?? "").toLowerCase());
}
