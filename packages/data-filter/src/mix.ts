// Mixing sources: how many times each problem is written, by repeats or by weights of its source, in a keyed order.
import { ConfigError } from "@longcot/errors";
import type { ProblemStore } from "./store/problem-store.ts";
import { append } from "./store/problem-store.ts";

/** How much of a source is written: each problem so many times, or a share of all rows. */
export type Share = { readonly repeat: number } | { readonly weight: number };

export interface MixOptions {
  /**
   * By source, its name or a pattern with `*`; the first that fits counts. All repeats or all weights. With repeats a source that is not
   * named is written once; with weights every source needs one.
   */
  readonly sources: Readonly<Record<string, Share>>;
  /** With weights: rows in all. Default: as many as can be had without a problem that is written twice. */
  readonly rows?: number;
  /** Keys which problems of a source are taken, and the order. Default 0. */
  readonly seed?: number;
  /** Write in a keyed order; else in that of the files, copies side by side. Default true. */
  readonly shuffle?: boolean;
}

/** What a source had and has. */
export interface MixedSource {
  readonly source: string;
  readonly problems: number;
  readonly rows: number;
}

/**
 * How many rows each source gives, of `counts` problems each.
 * @throws ConfigError for a pattern that fits no source, for repeats beside weights, for a source without a weight, for rows that come to none.
 */
export function sharesOf(counts: ReadonlyMap<string, number>, { sources, rows }: MixOptions): MixedSource[] {
  const fail = (argument: string, expected: string, received: string): never => {
    throw new ConfigError({ who: "mix", argument, expected, received });
  };
  const shares = Object.entries(sources);
  const byWeight = shares.filter(([, share]) => "weight" in share).length;
  if (byWeight !== 0 && byWeight !== shares.length) fail("sources", "all repeats or all weights", "both");
  for (const [pattern, share] of shares) {
    const value = "weight" in share ? share.weight : share.repeat;
    if (!(Number.isFinite(value) && value >= 0)) fail(`sources.${pattern}`, "a number from 0 on", String(value));
    if (![...counts.keys()].some((source) => fits(pattern, source)))
      fail("sources", `patterns that fit a source (${[...counts.keys()].join(", ")})`, pattern);
  }
  const shareOf = (source: string): Share | undefined => shares.find(([pattern]) => fits(pattern, source))?.[1];
  if (byWeight === 0) {
    if (rows !== undefined) fail("rows", "absent, since repeats say how many rows there are", String(rows));
    return [...counts].map(([source, problems]) => {
      const share = shareOf(source);
      return { source, problems, rows: Math.round(problems * (share !== undefined && "repeat" in share ? share.repeat : 1)) };
    });
  }
  const weights = [...counts].map(([source, problems]) => {
    const share = shareOf(source);
    if (share === undefined || !("weight" in share)) return fail("sources", `a weight for every source`, `none for ${source}`);
    return { source, problems, weight: share.weight };
  });
  const sum = weights.reduce((total, { weight }) => total + weight, 0);
  if (sum === 0) fail("sources", "a weight above 0", "none");
  const wanted =
    rows ?? Math.floor(Math.min(...weights.filter(({ weight }) => weight > 0).map(({ problems, weight }) => (problems * sum) / weight)));
  // Largest remainders first, so that the rows come to exactly `wanted`.
  const exact = weights.map(({ weight }) => (wanted * weight) / sum);
  const taken = exact.map(Math.floor);
  const left = wanted - taken.reduce((total, count) => total + count, 0);
  const order = [...exact.keys()].toSorted((a, b) => exact[b]! - taken[b]! - (exact[a]! - taken[a]!) || a - b);
  for (const i of order.slice(0, left)) taken[i]!++;
  return weights.map(({ source, problems }, i) => ({ source, problems, rows: taken[i]! }));
}

const fits = (pattern: string, source: string): boolean =>
  new RegExp(
    `^${pattern
      .split("*")
      .map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&"))
      .join(".*")}$`,
  ).test(source);

/**
 * Makes the view `written` of the store: `row` and its `place` in the output, a row as often as the mix says; without a mix every kept row once.
 * @returns the sources, where there is a mix.
 */
export async function planOutput(store: ProblemStore, mix: MixOptions | undefined): Promise<readonly MixedSource[] | undefined> {
  const { connection } = store;
  if (mix === undefined) {
    await connection.run("CREATE OR REPLACE TEMP VIEW written AS SELECT row, row AS place FROM kept");
    return undefined;
  }
  const counts = await connection.runAndReadAll("SELECT coalesce(data_source, ''), count(*)::INTEGER FROM kept GROUP BY 1 ORDER BY 1");
  const sources = sharesOf(new Map(counts.getRowsJS() as [string, number][]), mix);
  await connection.run("CREATE OR REPLACE TABLE takes(source VARCHAR, problems INTEGER, rows INTEGER)");
  await append(connection, "takes", sources, ({ source, problems, rows }) => [source, problems, rows]);
  const seed = Math.trunc(mix.seed ?? 0);
  const key = (what: string): string => `md5('${seed}:' || ${what})`;
  await connection.run(`CREATE OR REPLACE TEMP TABLE written AS
    SELECT row, row_number() OVER (ORDER BY ${mix.shuffle === false ? "row, copy" : `${key("row || ':' || copy")}, row, copy`}) AS place
    FROM (SELECT row, unnest(range(rows // problems + CASE WHEN rank < rows % problems THEN 1 ELSE 0 END)) AS copy
          FROM (SELECT row, problems, rows, row_number() OVER (PARTITION BY source ORDER BY ${key("row")}, row) - 1 AS rank
                FROM kept JOIN takes ON coalesce(data_source, '') = source))`);
  return sources;
}
