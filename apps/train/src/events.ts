// What the training loop tells the world while it runs. Plain JSON values only: `--json` prints them as they are.

/** A part of the work that can take long enough to be named while one waits. */
export type Phase =
  | "data"
  | "cold_start"
  | "rollout"
  | "reward"
  | "old_log_prob"
  | "values"
  | "update_critic"
  | "update"
  | "checkpoint"
  | "evaluation";

/** Numbers of one step by their name in `docs/metrics.md`; every value is finite. */
export type Metrics = Record<string, number>;

/** Accuracy of one level (or of one data source, or of `all`) with 95% intervals; shares in [0, 1]. */
export interface LevelResult {
  /** Level of difficulty or name of the data source; `all` for the mean over every prompt. */
  level: string;
  /** Prompts evaluated. */
  prompts: number;
  /** Mean share of right answers over prompts and samples. */
  avg_at_k: number;
  avg_at_k_low: number;
  avg_at_k_high: number;
  /** Share of prompts that at least one of the k samples solves (unbiased estimate). */
  pass_at_k: number;
  pass_at_k_low: number;
  pass_at_k_high: number;
}

/** One evaluation of the model as it is after `step` steps of reinforcement learning. */
export interface EvaluationEvent {
  type: "evaluation";
  /** `cold start` for the first one, `final` for the last one, free in between. */
  label: string;
  step: number;
  /** k, the samples drawn for each prompt. */
  samples_per_prompt: number;
  temperature: number;
  results: LevelResult[];
}

export interface RunEvent {
  type: "run";
  /** Name of the recipe. */
  recipe: string;
  /** Folder of the run. */
  folder: string;
  /** Engine and its version, such as `tensorflow 2.21.0`. */
  engine: string;
  /** Device and threads, such as `cpu, 2 threads`. */
  device: string;
  /** Trainable parameters. */
  parameters: number;
  /** Step that a resumed run goes on from; 0 for a new one. */
  resumed_from: number;
}

/** What a run will hold in memory, bytes: what is there throughout, and what its phases hold beside it, one at a time. */
export interface MemoryPlan<Held extends string, Phase extends string> {
  held_bytes: Record<Held, number>;
  phase_bytes: Record<Phase, number>;
  peak_phase: Phase;
  /** All of `held_bytes` and the largest phase. */
  peak_bytes: number;
  /** Most that it may take. */
  limit_bytes: number;
}

/** What the run will hold in memory, bytes, made before it begins: what is there throughout, and what each phase takes beside it. */
export interface MemoryPlanEvent extends MemoryPlan<
  "program" | "weights" | "critic" | "reference" | "gradients" | "moments" | "rollouts",
  "generation" | "old_log_prob" | "train" | "update"
> {
  type: "memory_plan";
}

export interface StageEvent {
  type: "stage";
  /** 1 for the first stage. */
  index: number;
  count: number;
  name: string;
  /** Steps of this stage. */
  steps: number;
  /** Prompts that the stage draws from. */
  prompts: number;
  /** Of the prompts that it would draw from without `online_filter`, those that are left out; absent: the filter is off or has nothing to go by. */
  dropped?: number;
}

export interface PhaseEvent {
  type: "phase";
  phase: Phase;
  /** Work done and in all, counted in `unit`. */
  completed: number;
  total: number;
  /** Plural noun: `responses`, `steps`, `micro-batches`. */
  unit: string;
  /** Numbers worth showing on the way, such as `{loss}` of the cold start. */
  metrics?: Metrics;
}

export interface StepEvent {
  type: "step";
  /** Steps done since the run began, over all stages; 1 for the first. */
  step: number;
  total_steps: number;
  /** Name of the stage. */
  stage: string;
  metrics: Metrics;
}

/** `notice`: worth knowing; `warning`: worth acting on. */
export interface MessageEvent {
  type: "notice" | "warning";
  text: string;
}

/** The last event of every run that did not fail. */
export interface DoneEvent {
  type: "done";
  /** `stopped`: by an alarm of the recipe. */
  status: "completed" | "interrupted" | "stopped";
  folder: string;
  /** Path of the HTML report. */
  report: string;
  /** Prompts that the online filter left out, by the name of the stage; absent: none was filtered. */
  online_filter?: { stage: string; prompts: number; dropped: number }[];
}

export type TrainEvent = RunEvent | MemoryPlanEvent | StageEvent | PhaseEvent | StepEvent | EvaluationEvent | MessageEvent | DoneEvent;

/** Takes events in the order they happen; must not throw and must not block. */
export type EmitEvent = (event: TrainEvent) => void;
