// The quickstart's task: verifiable arithmetic with worked chain-of-thought, keyed by a seed.
export { ARITHMETIC_ALPHABET, BOX_CLOSE, BOX_OPEN, THINK_CLOSE, THINK_OPEN } from "./alphabet.ts";
export { LEVELS, OPERATIONS } from "./operations.ts";
export type { Level, Operation, OperationName } from "./operations.ts";
export { makeProblem } from "./problem.ts";
export type { ArithmeticProblem, ProblemKey } from "./problem.ts";
export { problemsAvailable } from "./split-pairs.ts";
export type { Split } from "./split-pairs.ts";
export { writeArithmeticDataset } from "./write-dataset.ts";
export type { ArithmeticDataset, ArithmeticDatasetOptions, LevelCounts } from "./write-dataset.ts";
