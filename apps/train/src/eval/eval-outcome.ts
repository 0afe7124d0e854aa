// What an evaluation came to, as results.json has it.
import type { ComparedResult } from "./compare-results.ts";
import type { BenchmarkFigures } from "./eval-figures.ts";
import type { PublishedRow } from "./published.ts";

/** One benchmark's figures and how they came about; plain JSON. */
export interface BenchmarkResult extends BenchmarkFigures {
  benchmark: string;
  title: string;
  file: string;
  samples_per_problem: number;
  temperature: number;
  top_p: number;
  max_new_tokens: number;
  seed: number;
  /** SHA-256 of the prompts as asked. */
  prompt_hash: string;
  compared?: ComparedResult;
}

export interface EvalOutcome {
  model: string;
  engine: string;
  /** What chose for bon@k and weighted cons@k; absent: nothing. */
  reward_model?: string;
  folder: string;
  results: BenchmarkResult[];
  published: PublishedRow[];
}
