// The work of `longcot inspect`: a run, a step, a prompt over the steps, a prompt's responses, or all of it into a file.
import { existsSync } from "node:fs";
import { ConfigError, isLongcotError } from "@longcot/errors";
import type { Tokenizer } from "@longcot/language-model";
import { readRolloutFile } from "@longcot/rollout-buffer";
import type { RolloutGroup, Rollouts } from "@longcot/rollout-buffer";
import type { InspectJob } from "../cli/inspect.ts";
import { createRowsProgress } from "../models/rows-progress.ts";
import { rolloutPath } from "../run/rollout-store.ts";
import { exportRows } from "./export-rows.ts";
import { openRun, openTokenizer } from "./open-run.ts";
import type { OpenRun } from "./open-run.ts";
import { sampleFacts } from "./sample-facts.ts";
import type { SampleFacts } from "./sample-facts.ts";
import { shadeLegend, shadeTokens, topFifth } from "./shade-tokens.ts";
import { groupFacts, stepFacts } from "./step-facts.ts";
import type { DamagedStep, GroupFacts, StepFacts } from "./step-facts.ts";
import { promptTable, runTable, stepTable } from "./tables.ts";
import { tokenTexts, withoutControls } from "./token-texts.ts";

/** Prints what `job` asks for. @throws ConfigError for a step, prompt or sample that the run does not have; DataError for a damaged file. */
export async function inspectRun(job: InspectJob): Promise<void> {
  const run = openRun(job.run);
  if (job.sample !== undefined && (job.step === undefined || job.prompt === undefined))
    throw new ConfigError({ who: "--sample", expected: "used with --step and --prompt", received: "without" });
  if (job.export !== undefined) await exportRun(run, job, job.export);
  else if (job.step === undefined && job.prompt === undefined) await showRun(run, job);
  else if (job.step === undefined) await showPrompt(run, job, job.prompt!);
  else if (job.prompt === undefined) await showStep(run, job, job.step);
  else await showSamples(run, job, job.step, job.prompt);
}

async function showRun(run: OpenRun, { json }: InspectJob): Promise<void> {
  const steps: (StepFacts | DamagedStep)[] = [];
  for await (const [step, rollouts] of readSteps(run, run.rolloutSteps))
    steps.push(typeof rollouts === "string" ? { step, state: "damaged", damage: rollouts } : stepFacts(rollouts, step <= run.stepsDone));
  if (json !== true) return say(runTable(run, steps));
  const { path, recipe, status, stepsDone, totalSteps } = run;
  say(JSON.stringify({ run: path, recipe: recipe.name, status, steps_done: stepsDone, total_steps: totalSteps, steps }));
}

async function showStep(run: OpenRun, { json }: InspectJob, step: number): Promise<void> {
  const rollouts = await readStep(run, step);
  const [facts, groups] = [stepFacts(rollouts, step <= run.stepsDone), groupFacts(rollouts)];
  say(json === true ? JSON.stringify({ ...facts, groups_of_step: groups }) : stepTable(facts, groups));
}

async function showPrompt(run: OpenRun, { json }: InspectJob, prompt: number): Promise<void> {
  const groups: (GroupFacts & { step: number })[] = [];
  for await (const [step, rollouts] of readSteps(run, run.rolloutSteps)) {
    if (typeof rollouts === "string")
      throw new ConfigError({ who: "inspect", argument: rolloutPath(run.path, step), expected: "a whole file", received: rollouts });
    const found = groupFacts(rollouts).find(({ prompt_id: id }) => id === prompt);
    if (found !== undefined) groups.push({ step, ...found });
  }
  if (groups.length === 0)
    throw new ConfigError({
      who: "--prompt",
      expected: "a prompt of some step",
      received: String(prompt),
      fix: "See --step N for its prompts",
    });
  say(json === true ? JSON.stringify({ prompt_id: prompt, steps: groups }) : promptTable(prompt, groups));
}

async function showSamples(run: OpenRun, job: InspectJob, step: number, prompt: number): Promise<void> {
  const rollouts = await readStep(run, step);
  const tokenizer = await openTokenizer(run);
  const rows = rowsOf(findGroup(rollouts, prompt), rollouts, job.sample);
  const samples = rows.map((row) => sampleFacts(rollouts, row, tokenizer));
  if (job.json === true) return say(JSON.stringify({ step, prompt_id: prompt, prompt: samples[0]!.prompt, samples }));
  const isColored = job.color === "always" || (job.color === "auto" && process.stdout.isTTY && process.env["NO_COLOR"] === undefined);
  const high = rollouts.has("entropies") ? topFifth(rollouts.viewPerToken("entropies").values) : Infinity;
  say(`step ${step}, prompt ${prompt}\n\n${withoutControls(samples[0]!.prompt)}\n`);
  if (isColored) say(`${shadeLegend(job.shade)}\n`);
  for (const sample of samples) say(`${sampleHead(sample)}\n${sampleText(sample, tokenizer, { isColored, shade: job.shade, high })}\n`);
}

function sampleHead({
  sample_index: index,
  reward,
  advantage,
  outcome,
  finish_reason: reason,
  response_length: length,
  ...rest
}: SampleFacts): string {
  const mean = (values: number[] | null): string =>
    values === null || values.length === 0 ? "–" : (values.reduce((sum, value) => sum + value, 0) / values.length).toFixed(3);
  const graded = reward === null ? "not graded" : `reward ${reward}, ${outcome}, advantage ${advantage?.toFixed(3)}`;
  return `── sample ${index}: ${graded}, ${length} tokens, ${reason}, mean log p ${mean(rest.rollout_log_probs)}, entropy ${mean(rest.entropies)}`;
}

function sampleText(
  { response, response_tokens: tokens, rollout_log_probs: logProbs, entropies }: SampleFacts,
  tokenizer: Tokenizer,
  { isColored, shade, high }: { isColored: boolean; shade: InspectJob["shade"]; high: number },
): string {
  if (!isColored) return withoutControls(response);
  if (shade === "entropy" && entropies === null)
    throw new ConfigError({ who: "--shade", expected: "log-prob, as the step is not scored yet", received: shade });
  const values = shade === "entropy" ? entropies! : logProbs.map((logProb) => Math.max(0, -logProb));
  return shadeTokens(tokenTexts(tokenizer, tokens), values, (token) => entropies !== null && entropies[token]! >= high);
}

async function exportRun(run: OpenRun, { step, prompt, sample, json }: InspectJob, path: string): Promise<void> {
  const tokenizer = await openTokenizer(run);
  const steps = step === undefined ? run.rolloutSteps : [step];
  let count = 0;
  await exportRows(path, async (out) => {
    for (const one of steps) {
      const rollouts = await readStep(run, one);
      const groups = prompt === undefined ? [...rollouts.groups()] : [...rollouts.groups()].filter(({ promptId }) => promptId === prompt);
      const rows = groups.flatMap((group) => rowsOf(group, rollouts, sample));
      if (rows.length > 0) out.write(rows.map((row) => sampleFacts(rollouts, row, tokenizer)));
      count += rows.length;
    }
    if (count === 0) throw new ConfigError({ who: "--export", expected: "at least one row", received: "none" });
  });
  say(json === true ? JSON.stringify({ file: path, rows: count }) : `${count} rows in ${path}`);
}

/** Each step in turn, read one at a time, or what is wrong with its file. */
async function* readSteps({ path }: OpenRun, steps: readonly number[]): AsyncGenerator<[step: number, rollouts: Rollouts | string]> {
  const progress = createRowsProgress("inspect");
  try {
    for (const [done, step] of steps.entries()) {
      progress.update({ done, total: steps.length, text: `step ${step}, ${done} of ${steps.length} files` });
      try {
        yield [step, await readRolloutFile(rolloutPath(path, step))];
      } catch (error) {
        if (!isLongcotError(error)) throw error;
        yield [step, error.received];
      }
    }
  } finally {
    progress.close();
  }
}

async function readStep({ path, rolloutSteps }: OpenRun, step: number): Promise<Rollouts> {
  const file = rolloutPath(path, step);
  if (!existsSync(file))
    throw new ConfigError({
      who: "--step",
      expected:
        rolloutSteps.length === 0 ? "a run with rollouts" : `a step with rollouts, from ${rolloutSteps[0]} to ${rolloutSteps.at(-1)}`,
      received: String(step),
    });
  return await readRolloutFile(file);
}

function findGroup(rollouts: Rollouts, prompt: number): RolloutGroup {
  const groups = [...rollouts.groups()];
  const found = groups.find(({ promptId }) => promptId === prompt);
  if (found === undefined) {
    const ids = groups.map(({ promptId }) => promptId);
    const shown = ids.length > 12 ? `${ids.slice(0, 12).join(", ")}, …` : ids.join(", ");
    throw new ConfigError({ who: "--prompt", expected: `one of ${shown}`, received: String(prompt) });
  }
  return found;
}

/** The rows of a group, or the one of `sample`. */
function rowsOf({ from, to }: RolloutGroup, rollouts: Rollouts, sample: number | undefined): number[] {
  const samples = rollouts.viewPerRow("sample_index");
  const rows = Array.from({ length: to - from }, (_, i) => from + i).filter((row) => sample === undefined || samples[row] === sample);
  if (rows.length === 0)
    throw new ConfigError({ who: "--sample", expected: `one of ${samples.subarray(from, to).join(", ")}`, received: String(sample) });
  return rows;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
