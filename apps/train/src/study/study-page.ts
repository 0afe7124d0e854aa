// The page of a study's report: findings first, then curves, then every run, every cell and the base recipe.
import type { Effect, EffectUnit, Finding, Verdict } from "@longcot/entropy-dynamics";
import { percent, signedPoints } from "../progress/figures.ts";
import { renderDocument } from "../report/document.ts";
import { html } from "../report/markup.ts";
import type { Markup } from "../report/markup.ts";
import { figureMarkup } from "../report/page.ts";
import type { RunRow } from "./run-rows.ts";
import { curveFigures, summaryFigures } from "./study-figures.ts";
import type { StudyData } from "./study-data.ts";

const STUDY_CSS = `
  .findings { list-style: none; padding: 0; margin: 12px 0; display: grid; gap: 10px; grid-template-columns: repeat(auto-fill, minmax(min(100%, 480px), 1fr)); }
  .findings li { border-left: 4px solid var(--muted); background: var(--panel); padding: 10px 12px; border-radius: 0 6px 6px 0; min-width: 0; overflow-wrap: anywhere; }
  .findings .agrees { border-color: var(--good); } .findings .does-not { border-color: var(--bad); }
  .findings b { font-weight: 600; } .findings p { margin: 4px 0 0; }
  .verdict { font-weight: 600; font-size: 13px; color: var(--muted); } .agrees .verdict { color: var(--good); } .does-not .verdict { color: var(--bad); }
  .effect { font-variant-numeric: tabular-nums; } dl { display: grid; grid-template-columns: minmax(120px, max-content) 1fr; gap: 4px 16px; font-size: 14px; }
  dt { font-weight: 600; overflow-wrap: anywhere; } dd { margin: 0; color: var(--muted); overflow-wrap: anywhere; }`;

const VERDICTS: readonly Verdict[] = ["agrees", "does not", "inconclusive", "not tested"];

/** The whole page as text; needs nothing from the network. */
export function renderStudyPage(data: StudyData, rows: readonly RunRow[], findings: readonly Finding[]): string {
  const { record } = data;
  const machine = record.environment === undefined ? "" : ` · ${record.environment.engine} (${record.environment.device})`;
  const finished = record.runs.filter(({ status }) => status === "completed" || status === "stopped").length;
  return renderDocument(
    { title: `${record.name}: longcot study`, css: STUDY_CSS },
    html`<header>
        <h1>${record.name}</h1>
        <p class="sub">
          ${record.cells.length} cells × ${record.seeds.length} seeds · ${finished} of ${record.runs.length} runs finished${machine}
        </p>
        ${record.question === undefined ? html`` : html`<p>${record.question}</p>`}
      </header>
      <h2>The paper's findings</h2>
      <p class="note">
        ${VERDICTS.map((verdict) => `${findings.filter((finding) => finding.verdict === verdict).length} ${verdict}`).join(" · ")}. Claims
        of arXiv 2505.22312; effects are means over seeds of paired differences (same seed, same initial model) with Student's 95%
        intervals. “Agrees” and “does not” need the interval on one side; a finding that does not show at this scale is a result too.
      </p>
      <ul class="findings">
        ${findings.map(findingMarkup)}
      </ul>
      <h2>All runs at a glance</h2>
      <div class="grid">${summaryFigures(data, rows, findings).map(figureMarkup)}</div>
      ${curveFigures(data).map(
        ({ title, figures }) =>
          html`<h2>${title}</h2>
            <div class="grid">${figures.map(figureMarkup)}</div>`,
      )}
      ${runsSection(rows)} ${cellsSection(data)}
      <h2>Base recipe</h2>
      <details>
        <summary>what the cells change</summary>
        <pre>${record.base}</pre>
      </details>`,
  );
}

function findingMarkup({ id, claim, source, verdict, evidence, effect, unit, comparisons = [] }: Finding): Markup {
  const figure = effect === undefined || unit === undefined ? html`` : html`<p class="effect">${effectText(effect, unit)}</p>`;
  const parts =
    unit === undefined || comparisons.length < 2
      ? html``
      : html`<details>
          <summary>by pair of cells</summary>
          ${comparisons.map((pair) => html`<p class="note">${pair.treatment} / ${pair.control}: ${effectText(pair.effect, unit)}</p>`)}
        </details>`;
  return html`<li class="${verdict.replace(" ", "-")}" id="finding-${id}">
    <span class="verdict">${verdict}</span> <span class="sub">${id} · ${source}</span>
    <p><b>${claim}</b></p>
    ${figure}
    <p class="note">${evidence}</p>
    ${parts}
  </li>`;
}

/** `0.41 times [0.30, 0.56], 3 seeds`. */
export function effectText({ value, low, high, count }: Effect, unit: EffectUnit): string {
  const show = (x: number | undefined) => {
    // A bound that one seed leaves open came through JSON as absent.
    if (x === undefined || !Number.isFinite(x)) return "open";
    switch (unit) {
      case "ratio":
      case "share of target":
        return x.toPrecision(2);
      case "score":
        return signedPoints(x);
      case "rank correlation":
        return x.toFixed(2);
    }
  };
  const words = { ratio: "times", score: "points", "share of target": "times the target", "rank correlation": "rank correlation" }[unit];
  return `${show(value)} ${words} [${show(low)}, ${show(high)}], ${count} ${unit === "rank correlation" ? "cells" : count === 1 ? "seed" : "seeds"}`;
}

function runsSection(rows: readonly RunRow[]): Markup {
  const nats = (value: number | undefined) => (value === undefined ? "" : value.toFixed(4));
  const share = (value: number | undefined) => (value === undefined ? "" : percent(value));
  return html`<h2>Every run</h2>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            ${["cell", "seed", "N_SGD", "ended", "initial entropy", "final", "measured, last half", "collapse at step", "score before", "after", "best"].map((head) => html`<th>${head}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            (row) =>
              html`<tr>
                <td>${row.cell}</td>
                <td>${row.seed}</td>
                <td>${row.sgd_steps}</td>
                <td>${row.status}</td>
                <td>${nats(row.initial_entropy)}</td>
                <td>${nats(row.final_entropy)}</td>
                <td>${nats(row.last_half_measured)}</td>
                <td>${row.collapse_step ?? (row.final_entropy === undefined ? "" : "never")}</td>
                <td>${share(row.initial_score)}</td>
                <td>${share(row.final_score)}</td>
                <td>${share(row.best_score)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    <p class="note">
      Entropies in nats per token, of all responses; measured: of kept groups, as a controller sees it. The same numbers with all steps are
      in data/ as CSV and Arrow.
    </p>`;
}

function cellsSection({ record }: StudyData): Markup {
  const failed = record.runs.filter(({ error }) => error !== undefined);
  return html`<h2>Cells</h2>
    <dl>
      ${record.cells.map(
        ({ name, change }) =>
          html`<dt>${name}</dt>
            <dd>${change}</dd>`,
      )}
    </dl>
    ${failed.map(({ cell, seed, error }) => html`<p class="note">${cell}, seed ${seed} failed: ${error!}</p>`)}`;
}
