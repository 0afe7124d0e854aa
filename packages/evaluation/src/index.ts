// avg@k, pass@k, their intervals, and the paired comparison of two runs.
export { averageAtK } from "./average-at-k.ts";
export { bestOfN } from "./best-of-n.ts";
export type { ScoredProblem } from "./best-of-n.ts";
export { bootstrapInterval } from "./bootstrap.ts";
export type { BootstrapOptions, Interval } from "./bootstrap.ts";
export { compareRuns } from "./compare-runs.ts";
export type { Comparison } from "./compare-runs.ts";
export { consensusAtK } from "./consensus.ts";
export type { ConsensusProblem } from "./consensus.ts";
export { outcomeTable } from "./outcome-table.ts";
export type { OutcomeTable } from "./outcome-table.ts";
export { meanPassAtK, passAtK } from "./pass-at-k.ts";
export { summarize } from "./summarize.ts";
export type { BenchmarkSummary, Estimate, SummarizeOptions, Summary } from "./summarize.ts";
