// The table of held-out accuracy by level, before training and after.
import type { LevelResult } from "../events.ts";
import { percent, signedPoints } from "../progress/figures.ts";
import type { EvaluationRecord } from "../run/records.ts";
import { html } from "./markup.ts";
import type { Markup } from "./markup.ts";
import { levelName } from "./plots.ts";

/** The first of `evaluations` against the last; nothing where there is none. */
export function accuracyTable(evaluations: readonly EvaluationRecord[]): Markup {
  const first = evaluations[0];
  const last = evaluations.at(-1);
  if (first === undefined || last === undefined) return html``;
  const k = last.samples_per_prompt;
  const rows = last.results.map((after) => {
    const before = first === last ? undefined : first.results.find((result) => result.level === after.level);
    const gain = before === undefined ? undefined : after.avg_at_k - before.avg_at_k;
    return html`<tr>
      <td>${levelName(after.level)}</td>
      ${before === undefined ? html`` : html`<td>${share(before, "avg_at_k")}</td>`}
      <td>${share(after, "avg_at_k")}</td>
      ${
        gain === undefined || before === undefined
          ? html``
          : html`<td class="${gain >= 0 ? "up" : "down"}">${signedPoints(gain)}</td>
              <td>${share(before, "pass_at_k")}</td>`
      }
      <td>${share(after, "pass_at_k")}</td>
      <td>${after.prompts}</td>
    </tr>`;
  });
  const heads =
    first === last
      ? [`avg@${k}`, `pass@${k}`, "problems"]
      : [`avg@${k} before`, "after", "points", `pass@${k} before`, "after", "problems"];
  return html`<h2>Held-out accuracy by level</h2>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>level</th>
            ${heads.map((head) => html`<th>${head}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>
    <p class="note">
      ${first.label}${first === last ? "" : ` against ${last.label}`}, temperature ${last.temperature}; in brackets 95% intervals.
    </p>`;
}

function share(result: LevelResult, measure: "avg_at_k" | "pass_at_k"): Markup {
  return html`${percent(result[measure])} <small>[${percent(result[`${measure}_low`])}, ${percent(result[`${measure}_high`])}]</small>`;
}
