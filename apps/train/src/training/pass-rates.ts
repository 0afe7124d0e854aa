// What a run keeps for the online filter, and what the filter did, as the steps of a stage tell it.
import type { Metrics } from "../events.ts";
import type { PassRateRecord } from "../run/records.ts";
import type { Answers } from "./rollout.ts";

/** How many responses of each group of a step are right. */
export function passRates({ prompts, groupSize, verdicts }: Answers, { step, stage }: { step: number; stage: number }): PassRateRecord {
  return {
    step,
    stage,
    group_size: groupSize,
    prompt_ids: prompts.map(({ index }) => index),
    passed: prompts.map(
      (_, group) => verdicts.slice(group * groupSize, (group + 1) * groupSize).filter(({ outcome }) => outcome === "correct").length,
    ),
  };
}

/** What the filter did before a stage, as the stage's steps tell it. */
export interface OnlineFilterSummary {
  /** 1 for the first stage. */
  stage: number;
  /** Prompts that the stage trains on. */
  prompts: number;
  dropped: number;
}

/** What the filter did before each stage after the first; empty where it is off. */
export function onlineFilterSummary(metrics: readonly Metrics[]): OnlineFilterSummary[] {
  const byStage = new Map<number, OnlineFilterSummary>();
  for (const line of metrics) {
    const { "training/stage": stage, "online_filter/prompts": prompts, "online_filter/dropped": dropped } = line;
    if (stage !== undefined && stage > 1 && prompts !== undefined && dropped !== undefined) byStage.set(stage, { stage, prompts, dropped });
  }
  return [...byStage.values()];
}
