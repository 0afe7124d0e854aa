// The report's headline: what evaluation gained, and whether entropy collapsed or exploded.
import { defaultAlarmThresholds, entropyAlarm } from "@longcot/entropy-dynamics";
import type { Metrics } from "../events.ts";
import { percent, signedPoints } from "../progress/figures.ts";
import type { AlarmRecord, EvaluationRecord } from "../run/records.ts";
import { onlineFilterSummary } from "../training/pass-rates.ts";

export interface Verdict {
  tone: "good" | "bad" | "neutral";
  text: string;
}

/** What the entropy of the run did, by the alarms of `@longcot/entropy-dynamics` with their default thresholds at every step. */
export function entropyVerdict(metrics: readonly Metrics[]): Verdict {
  const entropies: number[] = [];
  const rewards: number[] = [];
  for (const line of metrics) {
    const entropy = line["actor/entropy"];
    const reward = line["critic/score/mean"];
    if (entropy === undefined || reward === undefined) continue;
    entropies.push(entropy);
    rewards.push(reward);
    const alarm = entropyAlarm({ entropies, rewards });
    if (alarm !== undefined)
      return {
        tone: "bad",
        text: `Entropy ${alarm.kind === "collapse" ? "collapsed" : "exploded"} by step ${line["training/global_step"]}: ${alarm.evidence}.`,
      };
  }
  const needed = 2 * defaultAlarmThresholds.window;
  if (entropies.length < needed) return { tone: "neutral", text: `Too few steps to judge the entropy (${entropies.length} of ${needed}).` };
  return {
    tone: "good",
    text: `No entropy collapse: ${entropies[0]!.toFixed(3)} nats at the first step, ${entropies.at(-1)!.toFixed(3)} at the last.`,
  };
}

/** How many prompts the online filter dropped before each stage; undefined where it is off or no filtered stage has begun. */
export function onlineFilterVerdict(metrics: readonly Metrics[], stageNames: readonly string[]): Verdict | undefined {
  const parts = onlineFilterSummary(metrics).map(
    ({ stage, prompts, dropped }) =>
      `${dropped} of ${prompts + dropped} prompts dropped before stage ${stageNames[stage - 1]}, solved by the actor when it last met them`,
  );
  return parts.length === 0 ? undefined : { tone: "neutral", text: `Online filter: ${parts.join("; ")}.` };
}

/** The alarms of reward hacking that the run raised. */
export function hackingVerdicts(alarms: readonly AlarmRecord[]): Verdict[] {
  return alarms.flatMap(({ kind, step, evidence }): Verdict[] =>
    kind === "reward_hacking" ? [{ tone: "bad", text: `Reward hacking by step ${step}: ${evidence}.` }] : [],
  );
}

/** The gain over all levels between the first and the last evaluation. */
export function gainVerdict(evaluations: readonly EvaluationRecord[]): Verdict {
  const first = evaluations[0];
  const last = evaluations.at(-1);
  if (first === undefined || last === undefined || first === last)
    return { tone: "neutral", text: "Not evaluated both before and after training." };
  const [before, after] = [first, last].map((evaluation) => evaluation.results.find((result) => result.level === "all"));
  if (before === undefined || after === undefined) return { tone: "neutral", text: "Accuracy by level below." };
  const gain = after.avg_at_k - before.avg_at_k;
  return {
    tone: gain > 0 ? "good" : "bad",
    text: `avg@${last.samples_per_prompt} went from ${percent(before.avg_at_k)} to ${percent(after.avg_at_k)} (${signedPoints(gain)} points).`,
  };
}
