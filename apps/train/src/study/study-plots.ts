// Plots of a study as SVG text: curves with bands over seeds, score against final entropy, when runs collapsed, effects with intervals.
import * as Plot from "@observablehq/plot";
import { draw, referenceMarks } from "../report/plots.ts";

const WIDTH = 440;
const HEIGHT = 240;
const STYLE = { fontSize: "13px", background: "none" };

export interface BandPoint {
  step: number;
  mean: number;
  low: number;
  high: number;
}

export interface Band {
  name: string;
  color: string;
  points: readonly BandPoint[];
}

/** A line of means over a band from the lowest to the highest seed. */
export function bandPlot(
  bands: readonly Band[],
  options: { unit: string; isShare?: boolean; reference?: { value: number; name: string } },
): string {
  const { unit, isShare = false, reference } = options;
  const scale = isShare ? 100 : 1;
  const highest = Math.max(reference?.value ?? 0, ...bands.flatMap(({ points }) => points.map(({ high }) => high)));
  return draw({
    width: WIDTH,
    height: HEIGHT,
    style: STYLE,
    marginLeft: 52,
    marginTop: 28,
    x: { label: "step", labelOffset: 38, ticks: 6 },
    y: { label: unit, domain: [0, highest * scale * 1.04 || 1], ticks: 5, grid: true, ...(isShare ? { percent: true } : {}) },
    marks: [
      ...referenceMarks(reference, scale, -8),
      ...bands.map(({ points, color }) => Plot.areaY([...points], { x: "step", y1: "low", y2: "high", fill: color, fillOpacity: 0.14 })),
      ...bands.map(({ points, color }) => Plot.lineY([...points], { x: "step", y: "mean", stroke: color, strokeWidth: 2 })),
    ],
  });
}

export interface ScatterPoint {
  entropy: number;
  score: number;
  color: string;
  isControlled: boolean;
}

/** One dot per run: final entropy (log scale) and held-out score; hollow where the entropy was controlled. */
export function scatterPlot(points: readonly ScatterPoint[]): string {
  return draw({
    width: WIDTH,
    height: 280,
    style: STYLE,
    marginLeft: 52,
    marginTop: 28,
    x: {
      type: "log",
      label: "final entropy, nats per token",
      labelOffset: 38,
      ticks: 4,
      tickFormat: (value: number) => String(Number(value.toPrecision(2))),
      grid: true,
    },
    y: { label: "right answers, %", percent: true, ticks: 5, grid: true, nice: true },
    marks: [
      Plot.dot([...points], {
        x: "entropy",
        y: "score",
        r: 4,
        stroke: "color",
        fill: (point: ScatterPoint) => (point.isControlled ? "none" : point.color),
        fillOpacity: 0.75,
        strokeWidth: 1.6,
      }),
    ],
    color: { type: "identity" },
  });
}

export interface CollapseRow {
  cell: string;
  /** Step of collapse; the last step of the run for one that never did. */
  step: number;
  isCollapsed: boolean;
}

/** One dot per run: when entropy first fell below the threshold; hollow at the end of a run that it never did in. */
export function collapsePlot(rows: readonly CollapseRow[], cells: readonly string[]): string {
  return draw({
    width: WIDTH,
    height: 60 + 24 * cells.length,
    style: STYLE,
    marginLeft: labelMargin(cells),
    marginTop: 12,
    x: { label: "step", labelOffset: 38, ticks: 5, grid: true, domain: [0, Math.max(...rows.map(({ step }) => step))], inset: 6 },
    y: { type: "point", label: null, domain: [...cells] },
    marks: [
      Plot.dot([...rows], {
        x: "step",
        y: "cell",
        r: 4.5,
        stroke: "var(--series-1)",
        fill: (row: CollapseRow) => (row.isCollapsed ? "var(--series-1)" : "none"),
        fillOpacity: 0.75,
        strokeWidth: 1.6,
      }),
    ],
  });
}

export interface EffectRow {
  name: string;
  value: number;
  low: number;
  high: number;
  color: string;
}

/** Effects with intervals around a line of no effect. */
export function effectPlot(rows: readonly EffectRow[], options: { unit: string; isRatio: boolean }): string {
  const { unit, isRatio } = options;
  const names = rows.map(({ name }) => name);
  const none = isRatio ? 1 : 0;
  const values = rows.flatMap(({ value, low, high }) => [value, ...[low, high].filter(Number.isFinite)]);
  const clamp = isRatio ? ([1 / 64, 64] as const) : ([-1, 1] as const);
  const bound = (value: number) => Math.min(Math.max(value, clamp[0]), clamp[1]);
  const domain = [Math.min(none, ...values.map(bound)), Math.max(none, ...values.map(bound))];
  return draw({
    width: WIDTH,
    height: 64 + 26 * names.length,
    style: STYLE,
    marginLeft: labelMargin(names),
    marginTop: 12,
    x: {
      type: isRatio ? "log" : "linear",
      label: unit,
      labelOffset: 38,
      domain,
      ticks: 5,
      grid: true,
      inset: 6,
      clamp: true,
      tickFormat: (value: number) => (isRatio ? `${Number(value.toPrecision(2))}×` : String(Math.round(100 * value))),
    },
    y: { type: "point", label: null, domain: names },
    marks: [
      Plot.ruleX([none], { stroke: "var(--muted)", strokeDasharray: "5,4" }),
      Plot.ruleY([...rows], {
        y: "name",
        x1: (row: EffectRow) => bound(row.low),
        x2: (row: EffectRow) => bound(row.high),
        stroke: "color",
        strokeWidth: 2,
        strokeOpacity: 0.6,
      }),
      Plot.dot([...rows], { x: "value", y: "name", fill: "color", r: 4.5 }),
    ],
    color: { type: "identity" },
  });
}

/** Room for the longest of `names` at 13 px. */
function labelMargin(names: readonly string[]): number {
  return 16 + Math.ceil(7.2 * Math.max(...names.map((name) => name.length)));
}
