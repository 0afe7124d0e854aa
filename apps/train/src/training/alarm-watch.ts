// Watches a run's entropy step by step: which alarm comes up, whether it is news, and what the recipe wants done about it.

import { entropyAlarm } from "@longcot/entropy-dynamics";
import type { EntropyAlarm } from "@longcot/entropy-dynamics";
import type { Metrics } from "../events.ts";
import type { Recipe } from "../recipe/schema.ts";

export interface RaisedAlarm extends EntropyAlarm {
  action: Recipe["alarms"]["collapse"]["action"];
}

export interface AlarmWatch {
  /** Takes the metrics of the next step; returns the alarm they raise, once: the same kind is news again after a step without it. */
  observe(metrics: Metrics): RaisedAlarm | undefined;
}

/** A watch that has already seen `history`, the metrics of the steps done. Steps without an update have no entropy and do not count. */
export function createAlarmWatch({ alarms }: Recipe, history: readonly Metrics[]): AlarmWatch {
  const entropies: number[] = [];
  const rewards: number[] = [];
  let known: EntropyAlarm["kind"] | undefined;
  const watch: AlarmWatch = {
    observe(metrics) {
      const entropy = metrics["actor/entropy"];
      if (entropy === undefined) return undefined;
      entropies.push(entropy);
      rewards.push(metrics["critic/score/mean"]!);
      const { collapse, explosion } = alarms;
      const alarm = entropyAlarm(
        { entropies, rewards },
        {
          window: alarms.window,
          collapseFraction: collapse.fraction,
          flatRewardGain: collapse.flat_reward_gain,
          solvedReward: collapse.solved_reward,
          explosionFactor: explosion.factor,
          explosionRiseNats: explosion.rise,
        },
      );
      const isNews = alarm !== undefined && alarm.kind !== known;
      known = alarm?.kind;
      return isNews ? { ...alarm, action: alarms[alarm.kind].action } : undefined;
    },
  };
  for (const metrics of history) watch.observe(metrics);
  return watch;
}

/** What a roll-back adds to α: above 0 against a collapse, below 0 against an explosion. */
export function alphaShift({ alarms: { collapse, explosion } }: Recipe, kind: EntropyAlarm["kind"]): number {
  return kind === "collapse" ? collapse.raise_alpha! : -explosion.lower_alpha!;
}
