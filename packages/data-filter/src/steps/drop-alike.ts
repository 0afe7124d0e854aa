// Problems that say the same in other words, by the embeddings of a server; the first of each stays.
import type { EmbeddingServer } from "@longcot/model-server";
import { ConfigError } from "@longcot/errors";
import { createPacer } from "../pacer.ts";
import { foldStatement } from "../statements/normalize-statement.ts";
import { isNumberToken, tokenizeInto } from "../statements/statement-tokens.ts";
import type { Drop } from "../store/problem-store.ts";
import { forEachProblem, type FilterStep } from "./filter-step.ts";

export interface AlikeOptions {
  readonly server: EmbeddingServer;
  /** Cosine similarity from which two statements with the same numbers and answer are one problem. Default 0.95. */
  readonly threshold?: number;
}

/** Texts that are embedded together: what an interruption may cost is a request, not this. */
const BATCH = 4096;

/**
 * Drops every problem whose statement has an embedding of at least `threshold` with an earlier, kept problem of the same numbers and the same answer.
 * Problems of one template differ in their numbers and are alike to any embedding, so others are not compared at all; in what is left every pair is.
 * Memory: 4 bytes a value of each vector. Vectors are in the server's store: none is asked for twice.
 * @throws ConfigError for a threshold outside (0, 1].
 */
export function dropAlike({ server, threshold = 0.95 }: AlikeOptions): FilterStep {
  if (!(threshold > 0 && threshold <= 1))
    throw new ConfigError({ who: "dropAlike", argument: "threshold", expected: "above 0, at most 1", received: String(threshold) });
  return {
    name: "embedding-duplicates",
    options: { model: server.model, threshold },
    async run(context) {
      const { onProgress, signal } = context;
      const rows: number[] = [];
      const texts: string[] = [];
      const groups = new Map<string, number[]>();
      await forEachProblem(context, "statements", ["row", "statement", "groundTruth", "ability"], (problem) => {
        const place = rows.push(problem.row) - 1;
        texts.push(problem.statement!);
        // Two lists of tests for one task are no two answers.
        const answer = problem.ability === "math" ? problem.groundTruth!.replaceAll(/\s+/g, "") : "";
        const key = `${answer}\n${numbersOf(problem.statement!)}`;
        const group = groups.get(key);
        if (group === undefined) groups.set(key, [place]);
        else group.push(place);
      });
      // A problem that shares numbers and answer with none has no partner: it is not embedded.
      const places = [...groups.values()].filter(({ length }) => length > 1).flat();
      const vectorOf = new Map<number, Float32Array>();
      for (let start = 0; start < places.length; start += BATCH) {
        const batch = places.slice(start, start + BATCH);
        const vectors = await server.embedAll(
          batch.map((place) => texts[place]!),
          {
            ...(signal === undefined ? {} : { signal }),
            onProgress: ({ done }) => onProgress?.({ phase: "embeddings", done: start + done, total: places.length }),
          },
        );
        batch.forEach((place, i) => vectorOf.set(place, vectors[i]!));
      }

      const dropped: Drop[] = [];
      const pacer = createPacer(onProgress, signal);
      let compared = 0;
      for (const group of groups.values()) {
        if (group.length === 1) continue;
        const kept: number[] = [];
        for (const place of group) {
          const found = closest(vectorOf, place, kept);
          if (found !== undefined && found.cosine >= threshold)
            dropped.push({
              row: rows[place]!,
              of: rows[found.place]!,
              kind: "near-duplicate",
              detail: `repeats row ${rows[found.place]!}, cosine ${found.cosine.toFixed(3)} by ${server.model}`,
            });
          else kept.push(place);
          await pacer.tick("pairs", ++compared, places.length);
        }
      }
      return { dropped, facts: { embedded: places.length } };
    },
  };
}

/** The numbers of a statement in order of size, as a text: equal for statements that are about the same ones, in whatever order. */
function numbersOf(statement: string): string {
  const folded = foldStatement(statement);
  const tokens = new Uint32Array(folded.length + 1);
  return tokens
    .slice(0, tokenizeInto(tokens, 0, folded))
    .filter(isNumberToken)
    .toSorted()
    .join(" ");
}

function closest(vectorOf: ReadonlyMap<number, Float32Array>, place: number, kept: readonly number[]) {
  const vector = vectorOf.get(place)!;
  let best: { place: number; cosine: number } | undefined;
  for (const other of kept) {
    const cosine = product(vector, vectorOf.get(other)!);
    if (best === undefined || cosine > best.cosine) best = { place: other, cosine };
  }
  return best;
}

function product(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
