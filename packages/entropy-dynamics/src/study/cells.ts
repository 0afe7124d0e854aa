// The runs of a study as cells (one setting, several seeds), and pairs of cells that differ in nothing but what is asked about.
import { meanEffect } from "./effect.ts";
import type { Effect } from "./effect.ts";
import { mean, summarizeRun } from "./study-run.ts";
import type { RunSummary, StudyRun, StudySettings } from "./study-run.ts";

/** One setting of the grid with a summary per seed. */
export interface StudyCell {
  readonly name: string;
  readonly settings: StudySettings;
  /** By seed, ascending. */
  readonly bySeed: ReadonlyMap<number, RunSummary>;
}

/** A cell beside its control, with the effect over the seeds that both have. */
export interface CellComparison {
  readonly treatment: string;
  readonly control: string;
  readonly effect: Effect;
  /** The difference of each seed that both cells have. */
  readonly bySeed: ReadonlyMap<number, number>;
}

/**
 * Returns the cells of `runs`, in order of first appearance.
 *
 * @param collapseFraction A run counts as collapsed once entropy is at most this fraction of its seed's reference, the
 * mean initial entropy of the seed's runs at temperature 1 (of all its runs where none is).
 */
export function studyCells(runs: readonly StudyRun[], collapseFraction: number): StudyCell[] {
  const seeds = [...new Set(runs.map(({ seed }) => seed))].toSorted((a, b) => a - b);
  const references = new Map(seeds.map((seed) => [seed, referenceEntropy(runs.filter((run) => run.seed === seed))]));
  const names = [...new Set(runs.map(({ cell }) => cell))];
  return names.map((name) => {
    const own = runs.filter(({ cell }) => cell === name).toSorted((a, b) => a.seed - b.seed);
    return {
      name,
      settings: own[0]!.settings,
      bySeed: new Map(own.map((run) => [run.seed, summarizeRun(run, collapseFraction * references.get(run.seed)!)])),
    };
  });
}

/** Mean initial entropy of a seed's runs at temperature 1, in nats: they start from one model, so it is one level measured several times. */
export function referenceEntropy(runs: readonly StudyRun[]): number {
  const plain = runs.filter(({ settings }) => settings.temperature === 1);
  const initial = (plain.length > 0 ? plain : runs).map((run) => summarizeRun(run, 0).initialEntropy);
  return initial.reduce((sum, value) => sum + value, 0) / initial.length;
}

/** Pairs of cells (treatment, control) that fit `select` and agree in every setting but `vary`. */
export function pairCells(
  cells: readonly StudyCell[],
  vary: readonly (keyof StudySettings)[],
  select: (treatment: StudySettings, control: StudySettings) => boolean,
): [StudyCell, StudyCell][] {
  const isAlike = (a: StudySettings, b: StudySettings) =>
    (Object.keys(a) as (keyof StudySettings)[]).every((key) => vary.includes(key) || a[key] === b[key]);
  return cells.flatMap((treatment) =>
    cells
      .filter(
        (control) => control !== treatment && isAlike(treatment.settings, control.settings) && select(treatment.settings, control.settings),
      )
      .map((control): [StudyCell, StudyCell] => [treatment, control]),
  );
}

/** The effect of each pair over the seeds that both cells have; seeds where `difference` is undefined are left out, and pairs without any. */
export function comparePairs(
  pairs: readonly (readonly [StudyCell, StudyCell])[],
  difference: (treatment: RunSummary, control: RunSummary) => number | undefined,
): CellComparison[] {
  return pairs.flatMap(([treatment, control]) => {
    const bySeed = new Map<number, number>();
    for (const [seed, summary] of treatment.bySeed) {
      const other = control.bySeed.get(seed);
      const value = other === undefined ? undefined : difference(summary, other);
      if (value !== undefined) bySeed.set(seed, value);
    }
    return bySeed.size === 0
      ? []
      : [{ treatment: treatment.name, control: control.name, effect: meanEffect([...bySeed.values()]), bySeed }];
  });
}

/** One effect out of several comparisons: each seed's mean over those that have it, then the mean over seeds. Seeds stay the independent unit. */
export function pooledEffect(comparisons: readonly CellComparison[]): Effect {
  const seeds = [...new Set(comparisons.flatMap(({ bySeed }) => [...bySeed.keys()]))];
  return meanEffect(seeds.map((seed) => mean(comparisons.flatMap(({ bySeed }) => bySeed.get(seed) ?? []))));
}
