// The report's page, section by section, from what the run recorded.
import type { Metrics } from "../events.ts";
import { compactCount, duration, percent } from "../progress/figures.ts";
import { totalSteps, writeRecipe } from "../recipe/load-recipe.ts";
import { namedComponents } from "../recipe/reward-schema.ts";
import type { RewardTerm } from "../recipe/reward-schema.ts";
import type { Recipe } from "../recipe/schema.ts";
import type { RunRecords, SampleRecord } from "../run/records.ts";
import { settleStages } from "../training/plateau.ts";
import { accuracyTable } from "./accuracy-table.ts";
import { renderDocument } from "./document.ts";
import { html, trustedMarkup } from "./markup.ts";
import type { Markup } from "./markup.ts";
import { levelName } from "./plots.ts";
import { evaluationFigures, stageStarts, stepFigures } from "./run-figures.ts";
import type { Figure } from "./run-figures.ts";
import { chooseSamples } from "./sample-choice.ts";
import { table } from "./table.ts";
import { entropyVerdict, gainVerdict, hackingVerdicts, onlineFilterVerdict } from "./verdict.ts";

/** The whole page as text; needs nothing from the network. */
export function renderPage(recipe: Recipe, records: RunRecords): string {
  const { metrics, evaluations, samples, environment } = records;
  const filtered = onlineFilterVerdict(
    metrics,
    recipe.stages.map(({ name }) => name),
  );
  const verdicts = [
    gainVerdict(evaluations),
    entropyVerdict(metrics),
    ...hackingVerdicts(records.alarms),
    ...(filtered === undefined ? [] : [filtered]),
  ];
  const figures = [...stepFigures(metrics, recipe), ...evaluationFigures(evaluations, stageStarts(metrics, recipe))];
  const machine =
    environment === undefined
      ? ""
      : ` · ${compactCount(environment.parameters)} parameters · ${environment.engine} (${environment.device})`;
  return renderDocument(
    { title: `${recipe.name}: longcot report` },
    html`<header>
        <h1>${recipe.name}</h1>
        <p class="sub">seed ${recipe.seed} · ${metrics.length} of ${totalSteps(settleStages(recipe, evaluations))} steps${machine}</p>
      </header>
      <ul class="verdicts">
        ${verdicts.map(({ tone, text }) => html`<li class="${tone}">${text}</li>`)}
      </ul>
      ${accuracyTable(evaluations)}
      <h2>Curves</h2>
      ${figures.length === 0 ? html`<p class="note">No step is finished yet.</p>` : html`<div class="grid">${figures.map(figureMarkup)}</div>`}
      ${scheduleSection(recipe)} ${sampleSection(samples)} ${timingSection(metrics)} ${environmentSection(records)}
      <h2>Recipe</h2>
      <details>
        <summary>every key, as resolved</summary>
        <pre>${writeRecipe(recipe)}</pre>
      </details>`,
  );
}

/** A figure with its title, caption and legend. */
export function figureMarkup({ id, title, caption, legend, svg }: Figure): Markup {
  const keys = legend.map(({ name, color }) => html`<span><i style="background:${color}"></i>${name}</span>`);
  return html`<figure id="${id}">
    <h3>${title}</h3>
    <figcaption>${caption}</figcaption>
    ${legend.length === 0 ? html`` : html`<div class="legend">${keys}</div>`}${trustedMarkup(svg)}
  </figure>`;
}

/** `, reward 0.8 of verifier 1, length -0.2`; nothing where there is one component. */
function rewardText({ reward, rewards }: SampleRecord): string {
  if (rewards === undefined) return "";
  const parts = Object.entries(rewards).map(([name, value]) => `${name.replaceAll("_", " ")} ${Number(value.toFixed(3))}`);
  return `, reward ${Number(reward.toFixed(3))} of ${parts.join(", ")}`;
}

/** Stages and the components of their rewards; nothing where every stage has the verifier's score alone. */
function scheduleSection({ stages }: Recipe): Markup {
  const isPlain = stages.every(({ rewards }) =>
    namedComponents(rewards).every(([name, { weight }]) => name === "verifier" && weight === 1),
  );
  if (isPlain) return html``;
  const rows = stages.map(({ name, steps, rewards }) => [
    name,
    steps,
    namedComponents(rewards).map(describeTerm).join(" + ").replaceAll("_", " "),
  ]);
  return html`<h2>Reward schedule</h2>
    ${table(["stage", "steps", "reward"], rows)}`;
}

/** `0.2 · clip(group(length), −1, 1)`. */
function describeTerm([name, { weight, normalize, clip }]: [string, RewardTerm]): string {
  const scaled = normalize === "none" ? name : `${normalize}(${name})`;
  const value = clip === undefined ? scaled : `clip(${scaled}, ${clip.join(", ")})`;
  return weight === 1 ? value : `${weight} · ${value}`;
}

function sampleSection(samples: readonly SampleRecord[]): Markup {
  const groups = chooseSamples(samples);
  if (groups.length === 0) return html``;
  return html`<h2>Sample responses</h2>
    ${groups.map(
      ({ title, samples: shown }) =>
        html`<h3>${title}</h3>
          <div class="samples" style="margin:6px 0 16px">${shown.map(sampleMarkup)}</div>`,
    )}`;
}

function sampleMarkup(sample: SampleRecord): Markup {
  const end = sample.finish_reason === "length" ? ", cut at the cap" : "";
  return html`<div class="sample">
    <span class="badge ${sample.outcome === "correct" ? "right" : "wrong"}">${sample.outcome}</span>
    <span class="sub">step ${sample.step} · ${sample.stage} · ${levelName(sample.level)} · ${sample.response_length} tokens${end}</span>
    <pre>${sample.prompt}</pre>
    <pre>${sample.response}</pre>
    <p class="sub">
      expected
      ${sample.ground_truth}${sample.extracted === undefined ? ", no answer found" : `, read ${sample.extracted}`}${rewardText(sample)}
    </p>
  </div>`;
}

function timingSection(metrics: readonly Metrics[]): Markup {
  const names = [...new Set(metrics.flatMap((line) => Object.keys(line)))].filter((name) => name.startsWith("timing_s/")).toSorted();
  if (names.length === 0) return html``;
  const sums = new Map(names.map((name) => [name, metrics.reduce((sum, line) => sum + (line[name] ?? 0), 0)]));
  const whole = sums.get("timing_s/step");
  const rows = names
    .toSorted((a, b) => sums.get(b)! - sums.get(a)!)
    .map((name) => {
      const sum = sums.get(name)!;
      return [
        name.slice("timing_s/".length),
        duration(sum),
        `${(sum / metrics.length).toFixed(3)} s`,
        whole === undefined || whole === 0 ? "" : percent(sum / whole, 0),
      ];
    });
  return html`<h2>Where the time went</h2>
    ${table(["part", "in all", "a step", "of the step"], rows)}`;
}

function environmentSection({ environment }: RunRecords): Markup {
  if (environment === undefined) return html``;
  const rows = Object.entries(environment).map(([name, value]) => [
    name.replaceAll("_", " "),
    typeof value === "number" ? value.toLocaleString("en") : value,
  ]);
  return html`<h2>Engine</h2>
    ${table([], rows)}`;
}
