// The report of a filter run: what went in and came out of each step, why, by source, and examples to read.
import type { DroppedExample, PipelineResult } from "@longcot/data-filter";
import { percent } from "../progress/figures.ts";
import { renderDocument } from "../report/document.ts";
import { html, type Markup } from "../report/markup.ts";
import { table } from "../report/table.ts";
import type { FilterRecipe } from "./filter-recipe.ts";
import { stepHistograms, type StepHistogram } from "./step-histograms.ts";

const FILTER_CSS = `
  .bar { display: inline-block; height: 9px; border-radius: 2px; background: var(--series-1); vertical-align: middle; }
  .histogram { display: flex; align-items: flex-end; gap: 3px; height: 120px; max-width: 460px; margin: 8px 0 2px; }
  .histogram div { flex: 1; background: var(--series-1); border-radius: 2px 2px 0 0; min-height: 1px; }
  .histogram .out { background: var(--before); }
  .ticks { display: flex; gap: 3px; max-width: 460px; color: var(--muted); font-size: 12px; } .ticks span { flex: 1; text-align: center; }
  td.text { white-space: normal; text-align: left; min-width: 16em; }`;

/** The page as text; needs nothing from the network. */
export function renderFilterReport(recipe: FilterRecipe, result: PipelineResult): string {
  const { rowsRead, rowsWritten, steps, sources, examples, mix } = result;
  const left = sources.reduce((sum, { written }) => sum + written, 0);
  return renderDocument(
    { title: `${recipe.name}: longcot filter report`, css: FILTER_CSS },
    html`<h1>${recipe.name}</h1>
      <p class="sub">
        ${left.toLocaleString("en")} of ${rowsRead.toLocaleString("en")} problems left
        (${percent(left / rowsRead)})${mix === undefined ? "" : `, mixed into ${rowsWritten.toLocaleString("en")} rows`}
      </p>
      <h2>Steps</h2>
      ${table(
        ["step", "problems in", "dropped", "changed", "left"],
        steps.map((step) => {
          const dropped = total(step.dropped);
          const left = step.rowsIn === 0 && step.step === "import" ? rowsRead : step.rowsIn - dropped;
          return [step.step, step.rowsIn.toLocaleString("en"), reasons(step.dropped), reasons(step.repaired), leftBar(left, rowsRead)];
        }),
      )}
      ${stepHistograms(recipe, steps).map(histogram)}
      <h2>Sources</h2>
      ${table(
        ["source", "read", "left", "share"],
        sources.map(({ source, read, written }) => [
          source || "(none)",
          read.toLocaleString("en"),
          written.toLocaleString("en"),
          percent(written / read),
        ]),
      )}
      ${
        mix === undefined
          ? html``
          : html`<h2>Mix</h2>
              ${table(
                ["source", "problems", "rows written", "times"],
                mix.map(({ source, problems, rows }) => [
                  source || "(none)",
                  problems.toLocaleString("en"),
                  rows.toLocaleString("en"),
                  (rows / problems).toFixed(2),
                ]),
              )}`
      }
      <h2>What was dropped, and why</h2>
      ${byKind(examples).map(exampleSection)}
      <h2>Recipe</h2>
      <details>
        <summary>every key, as resolved</summary>
        <pre>${JSON.stringify(recipe, undefined, 2)}</pre>
      </details>`,
  );
}

const total = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((sum, count) => sum + count, 0);

function reasons(counts: Readonly<Record<string, number>>): Markup {
  const entries = Object.entries(counts);
  if (entries.length === 0) return html`<small>none</small>`;
  return html`${total(counts).toLocaleString("en")} <small>${entries.map(([kind, count]) => `${kind} ${count}`).join(", ")}</small>`;
}

function leftBar(left: number, of: number): Markup {
  return html`${left.toLocaleString("en")} <span class="bar" style="width:${Math.round((90 * left) / Math.max(1, of))}px"></span>`;
}

/** Problems by failed rollouts or by valid votes, for a step that counted them; what such a step drops is in another colour. */
function histogram(counted: StepHistogram): Markup {
  const { title, unit, counts, isDropped } = counted;
  const most = Math.max(1, ...counts);
  return html`<h3>${title}</h3>
    <div class="histogram" role="img" aria-label="${title}: ${counts.join(", ")}">
      ${counts.map(
        (count, i) =>
          html`<div title="${i} ${unit}: ${count}" class="${isDropped(i) ? "out" : ""}" style="height:${(100 * count) / most}%"></div>`,
      )}
    </div>
    <div class="ticks">${counts.map((_, i) => html`<span>${counts.length <= 20 || i % 4 === 0 ? i : ""}</span>`)}</div>`;
}

function byKind(examples: readonly DroppedExample[]): (readonly DroppedExample[])[] {
  const groups = new Map<string, DroppedExample[]>();
  for (const example of examples) {
    const key = `${example.step}/${example.kind}`;
    groups.set(key, [...(groups.get(key) ?? []), example]);
  }
  return [...groups.values()];
}

function exampleSection(group: readonly DroppedExample[]): Markup {
  return html`<details>
    <summary>${group[0]!.step}: ${group[0]!.kind}</summary>
    <div class="scroll">
      <table>
        <tbody>
          ${group.map(
            ({ file, fileRow, detail, statement }) =>
              html`<tr>
                <td>${file.split("/").at(-1)!} row ${fileRow}</td>
                <td class="text">${detail}</td>
                <td class="text">${statement.length > 300 ? `${statement.slice(0, 300)}…` : statement}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </details>`;
}
