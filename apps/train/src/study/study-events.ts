// What a study tells the world while it runs. Plain JSON values only: `--json` prints them as they are.

/** How a run of the grid ended. `stopped`: by an alarm of its recipe; `interrupted`: by Ctrl-C or the budget, it can go on. */
export type RunStatus = "completed" | "stopped" | "failed" | "interrupted";

/** A cell under one seed; `cold start` for a run that only makes one. */
export interface RunName {
  cell: string;
  seed: number;
}

export type StudyEvent =
  | { type: "study"; name: string; folder: string; cells: number; seeds: number; runs: number; finished: number; jobs: number }
  | ({ type: "run_started" } & RunName)
  | ({ type: "run_step"; step: number; total_steps: number; entropy: number; reward: number } & RunName)
  | ({
      type: "run_ended";
      status: RunStatus;
      /** Wall-clock seconds of this process. */
      seconds: number;
      /** Entropy of every step that this process trained, nats. */
      entropies: number[];
      /** First and last held-out avg@k that it measured. */
      scores: number[];
      error?: string;
    } & RunName)
  | { type: "notice" | "warning"; text: string }
  | { type: "done"; status: "completed" | "interrupted" | "out_of_budget" | "failed"; folder: string; report: string };

export type EmitStudyEvent = (event: StudyEvent) => void;
