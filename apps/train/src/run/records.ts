// The files of a run beside metrics.jsonl: evaluations, samples, pass rates, alarms, environment. One format each, written and read here.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readLog } from "@longcot/durable-files";
import type { EvaluationEvent, Metrics } from "../events.ts";

/** A line of evaluations.jsonl: the evaluation event without its type. */
export type EvaluationRecord = Omit<EvaluationEvent, "type">;

/** A line of samples.jsonl: one response of the rollout of a step, as text. */
export interface SampleRecord {
  step: number;
  stage: string;
  /** Level of difficulty or name of the data source. */
  level: string;
  prompt: string;
  response: string;
  ground_truth: string;
  /** What the verifier read out of the response; absent if it found no answer. */
  extracted?: string;
  reward: number;
  /** By component, before normalisation, clip and weight; absent where the stage has one component. */
  rewards?: Record<string, number>;
  /** The verifier's outcome, such as `correct`, `wrong`, `no_answer`. */
  outcome: string;
  finish_reason: "stop" | "length";
  response_length: number;
}

/** A line of pass-rates.jsonl: how the groups of a step came out, those that are rejected afterwards too. */
export interface PassRateRecord {
  step: number;
  /** 1 for the first stage. */
  stage: number;
  group_size: number;
  /** The prompts' places in the data set, one a group. */
  prompt_ids: number[];
  /** Right responses of each group, of `group_size`. */
  passed: number[];
}

/** A line of alarms.jsonl: an alarm and what was done about it. */
export interface AlarmRecord {
  step: number;
  kind: "collapse" | "explosion" | "reward_hacking";
  evidence: string;
  action: "warn" | "roll_back" | "stop";
  /** `roll_back`: the step that the run went on from. */
  to_step?: number;
  /** `roll_back`: by how much α has been shifted, all roll-backs together. */
  alpha_shift?: number;
}

/** environment.json: what the run ran on. No wall-clock times, no host names. */
export interface EnvironmentRecord {
  longcot_version: string;
  node_version: string;
  platform: string;
  /** Such as `tensorflow 2.21.0`. */
  engine: string;
  /** Such as `cpu, 2 threads`. */
  device: string;
  /** Trainable parameters. */
  parameters: number;
}

export const METRICS_FILE = "metrics.jsonl";
export const EVALUATIONS_FILE = "evaluations.jsonl";
export const SAMPLES_FILE = "samples.jsonl";
export const PASS_RATES_FILE = "pass-rates.jsonl";
export const ALARMS_FILE = "alarms.jsonl";
export const ENVIRONMENT_FILE = "environment.json";
export const RECIPE_FILE = "recipe.yaml";

/** Everything that the report of a run is made from. */
export interface RunRecords {
  metrics: Metrics[];
  evaluations: EvaluationRecord[];
  samples: SampleRecord[];
  alarms: AlarmRecord[];
  environment: EnvironmentRecord | undefined;
}

/** Reads the records of a run, finished or not. @throws DataError naming file and line of what is not JSON. */
export function readRecords(folder: string): RunRecords {
  const environment = join(folder, ENVIRONMENT_FILE);
  return {
    metrics: readLog<Metrics>(join(folder, METRICS_FILE)),
    evaluations: readLog<EvaluationRecord>(join(folder, EVALUATIONS_FILE)),
    samples: readLog<SampleRecord>(join(folder, SAMPLES_FILE)),
    alarms: readLog<AlarmRecord>(join(folder, ALARMS_FILE)),
    environment: existsSync(environment) ? (JSON.parse(readFileSync(environment, "utf8")) as EnvironmentRecord) : undefined,
  };
}
