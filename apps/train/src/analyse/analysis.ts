// What `longcot analyse` finds: a line of measures per step, and what clipping rules would have stopped in the replayed updates.
import type { Metrics } from "../events.ts";

/** What a rule would have clipped, over all replayed mini-batches, weighted by their tokens. */
export interface WhatIf {
  rule: string;
  tokens: number;
  high: number;
  low: number;
  other: number;
  fraction: number;
}

export interface Analysis {
  /** One line per step with rollouts. */
  measures: Metrics[];
  replay:
    | undefined
    | {
        steps: number[];
        rules: WhatIf[];
        /** Largest difference between a step's clipped share as logged and as replayed. */
        largestDeviation: number;
      };
  files: string[];
}
