// Embeddings from an OpenAI-compatible server, many texts a request; every vector is kept as it comes, and no text is asked about twice.
import { createHash } from "node:crypto";
import { ConfigError, LongcotError } from "@longcot/errors";
import type OpenAI from "openai";
import { fileStore, memoryStore } from "./answer-store.ts";
import type { AskOptions } from "./model-server.ts";
import { openClient, type ClientOptions } from "./server-client.ts";

export interface EmbeddingServerOptions extends ClientOptions {
  /** Texts of a request. Default 64. */
  readonly batchSize?: number;
  /** A file for the vectors; absent: they last as long as the process. */
  readonly store?: string;
}

export interface EmbeddingServer {
  readonly model: string;
  /**
   * A vector for each text, all of one length and of norm 1, so that the product of two is their cosine. A text that the store has a vector of is not sent.
   * @throws LongcotError when a request fails for good or its answer has not a vector for each text: vectors until then are in the store; the signal's reason when it is aborted.
   */
  embedAll(texts: readonly string[], options?: AskOptions): Promise<Float32Array[]>;
  close(): void;
}

/** A line of the store. */
interface Embedded {
  /** The float32 values, little-endian, in base64: a third of what decimals take. */
  vector: string;
}

/**
 * A client of the `/embeddings` of the API at `url`. Nothing is asked yet.
 * @throws ConfigError for a url that is none, or numbers out of range.
 * @example
 * const server = openEmbeddingServer({ url: "http://localhost:8000/v1", model: "bge-m3", store: "vectors.jsonl" });
 * const [vector] = await server.embedAll(["What is 2 + 3?"]);
 * server.close();
 */
export function openEmbeddingServer(options: EmbeddingServerOptions): EmbeddingServer {
  const { model, url, batchSize = 64 } = options;
  const who = "openEmbeddingServer";
  if (!Number.isInteger(batchSize) || batchSize < 1)
    throw new ConfigError({ who, argument: "batchSize", expected: "a whole number from 1", received: String(batchSize) });
  const client = openClient(who, options);
  const store =
    options.store === undefined ? memoryStore<Embedded>() : fileStore<Embedded>(options.store, ({ vector }) => typeof vector === "string");
  const keyOf = (text: string): string =>
    createHash("sha256")
      .update(JSON.stringify([model, text]))
      .digest("hex");
  return {
    model,
    async embedAll(texts, { onProgress, signal } = {}) {
      const keys = texts.map(keyOf);
      const asked = new Map<string, { text: string; times: number }>();
      for (const [i, key] of keys.entries()) asked.set(key, { text: texts[i]!, times: (asked.get(key)?.times ?? 0) + 1 });
      const open = [...asked].filter(([key]) => store.get(key) === undefined);
      const batches = Array.from({ length: Math.ceil(open.length / batchSize) }, (_, i) => open.slice(i * batchSize, (i + 1) * batchSize));
      const total = texts.length;
      let done = total - open.reduce((sum, [, { times }]) => sum + times, 0);
      onProgress?.({ done, total });
      await client.forEach(
        batches,
        async (batch, stopped) => {
          const vectors = await embed(
            batch.map(([, { text }]) => text),
            stopped,
          );
          for (const [i, [key, { times }]] of batch.entries()) {
            store.add(key, { vector: toBase64(vectors[i]!) });
            done += times;
          }
          onProgress?.({ done, total });
        },
        signal,
      );
      const vectors = keys.map((key) => fromBase64(store.get(key)!.vector));
      const other = vectors.find(({ length }) => length !== vectors[0]!.length);
      if (other !== undefined)
        throw new LongcotError({
          who: `${model} at ${url}`,
          expected: `vectors of ${vectors[0]!.length} values`,
          received: `one of ${other.length}`,
        });
      return vectors;
    },
    close: () => store.close(),
  };

  async function embed(input: string[], signal: AbortSignal): Promise<Float32Array[]> {
    const body = { model, input, encoding_format: "float" as const };
    const { data } = await client.request<Partial<OpenAI.CreateEmbeddingResponse>>(
      (api) => api.embeddings.create(body, { signal }).asResponse(),
      signal,
    );
    const byIndex = new Map(data?.map(({ index, embedding }) => [index, embedding]));
    return input.map((_, i) => unitVector(byIndex.get(i), i, input.length));
  }

  /** @throws LongcotError for what is no vector of finite numbers with a direction. */
  function unitVector(embedding: unknown, i: number, count: number): Float32Array {
    const isVector = Array.isArray(embedding) && embedding.length > 0 && embedding.every((value) => Number.isFinite(value));
    const norm = isVector ? Math.hypot(...(embedding as number[])) : 0;
    if (!(norm > 0))
      throw new LongcotError({
        who: `${model} at ${url}`,
        expected: `a vector of finite numbers, not all 0, for each of ${count} texts`,
        received: `${JSON.stringify(embedding)?.slice(0, 60) ?? "none"} for text ${i}`,
      });
    return Float32Array.from(embedding as number[], (value) => value / norm);
  }
}

const toBase64 = (vector: Float32Array): string => Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString("base64");

function fromBase64(text: string): Float32Array {
  const bytes = Buffer.from(text, "base64");
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}
