// Problems that a benchmark asks too.
import { basename } from "node:path";
import { createContaminationFinder, type ContaminationOptions } from "../contamination/contamination-finder.ts";
import type { Drop } from "../store/problem-store.ts";
import { forEachProblem, type FilterStep } from "./filter-step.ts";

/** A benchmark's problems by name. */
export interface Benchmark {
  readonly name: string;
  /** Tells whether the problems are those of an earlier run. */
  readonly fingerprint: string;
  readonly statements: readonly string[];
}

/** Drops every problem that {@link createContaminationFinder} finds in one of the benchmarks, naming both and the rule. */
export function dropContaminated(benchmarks: readonly Benchmark[], options: ContaminationOptions = {}): FilterStep {
  return {
    name: "contamination",
    options: { ...options, benchmarks: benchmarks.map(({ name, fingerprint }) => ({ name, fingerprint })) },
    async run(context) {
      const names = benchmarks.flatMap(({ name, statements }) => statements.map((_, row) => `${basename(name)} row ${row}`));
      const finder = createContaminationFinder(
        benchmarks.flatMap(({ statements }) => statements),
        options,
      );
      const dropped: Drop[] = [];
      await forEachProblem(context, "contamination", ["row", "statement"], ({ row, statement }) => {
        const found = finder.check(statement!);
        if (found === undefined) return;
        const { benchmark, rule, coverage, longestRun } = found;
        const why = `${rule}, ${Math.round(coverage * 100)}% of its token pairs, longest common run ${longestRun} tokens`;
        dropped.push({ row, kind: "contaminated", detail: `${names[benchmark]!}: ${why}` });
      });
      return {
        dropped,
        facts: { benchmarks: benchmarks.map(({ name, statements }) => ({ name: basename(name), problems: statements.length })) },
      };
    },
  };
}
