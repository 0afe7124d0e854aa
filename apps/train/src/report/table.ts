// A table of a report: it scrolls sideways where the page is narrow.
import { html } from "./markup.ts";
import type { Markup } from "./markup.ts";

export type Cell = string | number | Markup;

/** Rows of cells under `heads`; without heads where there are none. */
export function table(heads: readonly Cell[], rows: readonly (readonly Cell[])[]): Markup {
  return html`<div class="scroll">
    <table>
      ${
        heads.length === 0
          ? ""
          : html`<thead>
              <tr>
                ${heads.map((head) => html`<th>${head}</th>`)}
              </tr>
            </thead>`
      }
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${row.map((cell) => html`<td>${cell}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
