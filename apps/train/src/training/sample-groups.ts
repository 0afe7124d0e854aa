// The graded answers of a step: to the prompts drawn for it and, where the recipe refills (dynamic sampling), to more of them, round by
// round, until as many groups as the step wants tell right from wrong.

import { isJudged } from "@longcot/verifiers";
import type { StepContext, StepPlan } from "./train-step.ts";
import { obtainResponses } from "./obtain-responses.ts";
import type { TrainingPrompt } from "./prompts.ts";
import { gradeResponses } from "./rollout.ts";
import type { Answers, ResponseOrigin } from "./rollout.ts";

export interface SampledGroups {
  answers: Answers;
  origin: ResponseOrigin;
  /** The groups to train on, in the order of the answers; absent: all of them. */
  chosen?: number[];
  /** Times that prompts were drawn; absent where the recipe does not refill. */
  rounds?: number;
  /** Wall-clock seconds of generation and of grading. */
  seconds: { generation: number; grading: number };
}

/** @throws as {@link obtainResponses}, or with the signal's reason. */
export async function sampleGroups(context: StepContext, plan: StepPlan, from: ResponseOrigin): Promise<SampledGroups> {
  const { recipe, prepared, pool, signal, emit } = context;
  const { step, stage } = plan;
  const { refill } = recipe.rejection;
  const seconds = { generation: 0, grading: 0 };
  const round = async (prompts: StepPlan["prompts"], before?: Answers): Promise<{ answers: Answers; origin: ResponseOrigin }> => {
    const started = performance.now();
    const obtained = await obtainResponses(context, { ...plan, prompts }, from, before);
    const generated = performance.now();
    const graded = await gradeResponses(prepared, pool, obtained.prompts, obtained.responses, {
      groupSize: stage.group_size,
      gradeTruncated: recipe.advantages.truncated_reward === "graded",
      signal,
      emit,
      phase: "rollout",
    });
    seconds.generation += (generated - started) / 1000;
    seconds.grading += (performance.now() - generated) / 1000;
    return { answers: before === undefined ? graded : joined(before, graded), origin: obtained.origin };
  };

  const isReplayed = context.replay !== undefined;
  // A stored step has the groups of all of its rounds: they are answered at once, in the order in which they were drawn.
  const drawn = isReplayed && refill !== undefined ? allRounds(plan, refill.max_rounds) : [plan.prompts];
  let { answers, origin } = await round(drawn.flat());
  if (refill === undefined) return { answers, origin, seconds };
  let rounds = isReplayed ? roundsAnswered(drawn, answers) : 1;
  for (; !isReplayed && informativeGroups(answers).length < stage.batch_size && rounds <= refill.max_rounds; rounds++) {
    const more = plan.morePrompts(rounds, answers.prompts);
    if (more.length === 0) break;
    answers = (await round(more, answers)).answers;
  }
  const chosen = informativeGroups(answers).slice(0, stage.batch_size);
  if (chosen.length < stage.batch_size)
    emit({
      type: "warning",
      text: `step ${step}: ${chosen.length} of ${stage.batch_size} groups tell right from wrong after ${answers.prompts.length} prompts; the update is smaller`,
    });
  return { answers, origin, chosen, rounds, seconds };
}

/** The prompts of every round that a step can have. */
function allRounds({ prompts, morePrompts }: StepPlan, most: number): (readonly TrainingPrompt[])[] {
  const rounds = [prompts];
  for (let round = 1; round <= most; round++) rounds.push(morePrompts(round, rounds.flat()));
  return rounds;
}

/** How many of `drawn` have an answer; at least the first. */
function roundsAnswered(drawn: readonly (readonly TrainingPrompt[])[], { prompts }: Answers): number {
  const answered = new Set(prompts.map(({ index }) => index));
  return Math.max(1, drawn.filter((round) => round.some(({ index }) => answered.has(index))).length);
}

/** Groups whose verdicts all say something, and not all the same. */
function informativeGroups({ prompts, groupSize, verdicts }: Answers): number[] {
  return [...prompts.keys()].filter((group) => {
    const own = verdicts.slice(group * groupSize, (group + 1) * groupSize);
    return own.every(isJudged) && own.some(({ score }) => score !== own[0]!.score);
  });
}

function joined(a: Answers, b: Answers): Answers {
  return {
    groupSize: a.groupSize,
    prompts: [...a.prompts, ...b.prompts],
    responses: [...a.responses, ...b.responses],
    texts: [...a.texts, ...b.texts],
    verdicts: [...a.verdicts, ...b.verdicts],
  };
}
