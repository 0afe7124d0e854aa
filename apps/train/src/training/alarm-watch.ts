// Watches a run step by step: which alarms come up, whether they are news, and what the recipe wants done about them.

import { entropyAlarm } from "@longcot/entropy-dynamics";
import type { EntropyAlarm } from "@longcot/entropy-dynamics";
import { rewardHackingAlarm } from "@longcot/reward-model";
import type { HackingAlarm } from "@longcot/reward-model";
import type { Metrics } from "../events.ts";
import { namedComponents } from "../recipe/reward-schema.ts";
import type { Recipe } from "../recipe/schema.ts";

export type RaisedAlarm =
  | (EntropyAlarm & { action: Recipe["alarms"]["collapse"]["action"] })
  | (HackingAlarm & { action: Recipe["alarms"]["reward_hacking"]["action"] });

export interface AlarmWatch {
  /** Takes the metrics of the next step; returns the alarms they raise, each once: the same kind is news again after a step without it. */
  observe(metrics: Metrics): RaisedAlarm[];
}

/** A watch that has already seen `history`, the metrics of the steps done. */
export function createAlarmWatch(recipe: Recipe, history: readonly Metrics[]): AlarmWatch {
  const [entropy, hacking] = [entropyWatch(recipe), hackingWatch(recipe)];
  const known = new Set<RaisedAlarm["kind"]>();
  const watch: AlarmWatch = {
    observe(metrics) {
      const raised: RaisedAlarm[] = [];
      const entropyNow = "actor/entropy" in metrics ? { alarm: entropy(metrics), kinds: ["collapse", "explosion"] as const } : undefined;
      const hackingNow = { alarm: hacking(metrics), kinds: ["reward_hacking"] as const };
      for (const now of [entropyNow, hackingNow]) {
        if (now === undefined) continue;
        const { alarm } = now;
        if (alarm !== undefined && !known.has(alarm.kind))
          raised.push({ ...alarm, action: recipe.alarms[alarm.kind].action } as RaisedAlarm);
        for (const kind of now.kinds) known.delete(kind);
        if (alarm !== undefined) known.add(alarm.kind);
      }
      return raised;
    },
  };
  for (const metrics of history) watch.observe(metrics);
  return watch;
}

/** What an alarm is called in front of people. */
export const alarmName = (kind: RaisedAlarm["kind"]): string => (kind === "reward_hacking" ? "reward hacking" : `entropy ${kind}`);

/** Takes the metrics of steps that had an update: the others have no entropy. */
function entropyWatch({ alarms: { window, collapse, explosion } }: Recipe): (metrics: Metrics) => EntropyAlarm | undefined {
  const entropies: number[] = [];
  const rewards: number[] = [];
  return (metrics) => {
    entropies.push(metrics["actor/entropy"]!);
    rewards.push(metrics["critic/score/mean"]!);
    return entropyAlarm(
      { entropies, rewards },
      {
        window,
        collapseFraction: collapse.fraction,
        flatRewardGain: collapse.flat_reward_gain,
        solvedReward: collapse.solved_reward,
        explosionFactor: explosion.factor,
        explosionRiseNats: explosion.rise,
      },
    );
  };
}

/** Watches every component but the verifier's that a stage rewards, within the stage. */
function hackingWatch({ stages, alarms: { window, reward_hacking: limits } }: Recipe): (metrics: Metrics) => HackingAlarm | undefined {
  let stage: number | undefined;
  let accuracies: number[] = [];
  let components: { name: string; rewards: number[]; spreads: number[] }[] = [];
  return (metrics) => {
    if (metrics["training/stage"] !== stage) {
      stage = metrics["training/stage"];
      accuracies = [];
      const named = namedComponents(stages[stage! - 1]!.rewards).filter(([name, { weight }]) => name !== "verifier" && weight > 0);
      components = named.map(([name]) => ({ name, rewards: [], spreads: [] }));
    }
    accuracies.push(metrics["reward/correct_ratio"]!);
    let first: HackingAlarm | undefined;
    for (const { name, rewards, spreads } of components) {
      rewards.push(metrics[`reward/${name}/mean`]!);
      spreads.push(metrics[`reward/${name}/std`]!);
      const thresholds = { window, accuracyDrop: limits.accuracy_drop, rewardGain: limits.reward_gain };
      first ??= rewardHackingAlarm(name.replaceAll("_", " "), { rewards, spreads, accuracies }, thresholds);
    }
    return first;
  };
}

/** What a roll-back adds to α: above 0 against a collapse, below 0 against an explosion. */
export function alphaShift({ alarms: { collapse, explosion } }: Recipe, kind: EntropyAlarm["kind"]): number {
  return kind === "collapse" ? collapse.raise_alpha! : -explosion.lower_alpha!;
}
