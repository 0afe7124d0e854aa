// Plots of a judge, of answers or of steps: can its confidence be believed, and how far apart does it hold right and wrong?
import * as Plot from "@observablehq/plot";
import { draw } from "../report/plots.ts";
import type { Figure } from "../report/run-figures.ts";

export const PLOT_SIZE = { width: 460, height: 300 };

/** The legend of {@link rightAndWrongPlot}. */
export const RIGHT_AND_WRONG: Figure["legend"] = [
  { name: "right", color: "var(--good)" },
  { name: "wrong", color: "var(--bad)" },
];

/** A dot per bin, as large as its `count`; on the dashed line what is `claimed` is what is `found`. Shares from 0 to 1; axes in percent, `from` to 100. */
export function reliabilityPlot(
  bins: readonly { claimed: number; found: number; count: number }[],
  { from: [left, bottom], claimed, found }: { from: readonly [number, number]; claimed: string; found: string },
): string {
  const axis = { percent: true, inset: 8 };
  const start = left / 100;
  return draw({
    ...PLOT_SIZE,
    x: { ...axis, label: claimed, domain: [left, 100], labelOffset: 38 },
    y: { ...axis, label: found, domain: [bottom, 100], grid: true },
    r: { range: [2, 12] },
    marks: [
      Plot.line(
        [
          [start, start],
          [1, 1],
        ],
        { stroke: "var(--muted)", strokeDasharray: "5,4" },
      ),
      Plot.line([...bins], { x: "claimed", y: "found", stroke: "var(--series-1)", strokeWidth: 1.5 }),
      Plot.dot([...bins], { x: "claimed", y: "found", r: "count", fill: "var(--series-1)", fillOpacity: 0.75 }),
    ],
  });
}

/** Two histograms of `value`, one over the other. */
export function rightAndWrongPlot(
  rows: readonly { isRight: boolean; value: number }[],
  { x, thresholds, counted }: { x: Plot.ScaleOptions; thresholds: number | number[]; counted: string },
): string {
  const [right, wrong] = RIGHT_AND_WRONG.map(({ color }) => color) as [string, string];
  return draw({
    ...PLOT_SIZE,
    x: { ...x, labelOffset: 38 },
    y: { label: counted, grid: true },
    marks: [
      Plot.rectY(
        rows,
        Plot.binX({ y2: "count" }, {
          x: "value",
          thresholds,
          fill: (row: { isRight: boolean }) => (row.isRight ? right : wrong),
          fillOpacity: 0.5,
        } as Plot.BinXInputs<Plot.RectYOptions>),
      ),
    ],
  });
}
