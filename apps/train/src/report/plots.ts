// Plots of a run as SVG text, drawn by Observable Plot in a document without a browser. Colours are CSS variables of the page.
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";

export interface Point {
  step: number;
  value: number;
}

export interface Series {
  name: string;
  points: readonly Point[];
  /** CSS colour, such as `var(--series-1)`. */
  color: string;
  /** Drawn as it is, however long: for what is set rather than measured. */
  isExact?: boolean;
}

/** Where a stage begins, for the vertical rules. */
export interface StageStart {
  step: number;
  name: string;
}

export interface LinePlotOptions {
  series: readonly Series[];
  stages: readonly StageStart[];
  /** Unit of the vertical axis, in words. */
  unit: string;
  width?: number;
  height?: number;
  /** The axis always shows these values; default: what the data spans, with 0 if it is near. */
  domain?: readonly [number, number];
  /** Drawn as a dashed line, such as the target entropy. */
  reference?: { value: number; name: string };
  /** Values are shares: the axis shows per cent. */
  isShare?: boolean;
}

const WIDTH = 460;
const HEIGHT = 220;
/** Points from which on a moving average is drawn over the raw line. */
const SMOOTH_FROM = 16;

/** From here on an axis counts in thousands and millions: longer numbers would not fit beside it. */
const LONG_LABEL = 10_000;

/** Lines over steps; long series get a moving average over a faint raw line. */
export function linePlot(options: LinePlotOptions): string {
  const { series, stages, unit, width = WIDTH, height = HEIGHT, reference, isShare = false } = options;
  const steps = series.flatMap((one) => one.points.map((point) => point.step));
  const values = series.flatMap((one) => one.points.map((point) => point.value));
  const scale = isShare ? 100 : 1;
  const domain = (options.domain ?? paddedDomain(reference === undefined ? values : [...values, reference.value])).map(
    (bound) => bound * scale,
  );
  return draw({
    width,
    height,
    x: {
      label: "step",
      labelOffset: 38,
      domain: [Math.min(...steps, ...stages.map((stage) => stage.step)), Math.max(...steps)],
      ticks: 6,
      tickFormat: (step: number) => (Number.isInteger(step) ? String(step) : ""),
    },
    y: {
      label: unit,
      domain: [...domain],
      nice: options.domain === undefined,
      ticks: 5,
      grid: true,
      ...(Math.max(...domain) >= LONG_LABEL ? { tickFormat: "~s" } : {}),
      ...(isShare ? { percent: true } : {}),
    },
    marks: [
      ...stageMarks(stages),
      ...referenceMarks(reference, scale, -7),
      ...series.flatMap((one) => splitAt(one.points, stages).flatMap((points) => seriesMarks({ ...one, points }))),
    ],
  });
}

/** A dashed line at a value that is not measured, with its name `dy` pixels above it. */
export function referenceMarks(reference: { value: number; name: string } | undefined, scale: number, dy: number): Plot.Markish[] {
  if (reference === undefined) return [];
  return [
    Plot.ruleY([reference.value * scale], { stroke: "var(--muted)", strokeDasharray: "5,4" }),
    Plot.text([reference], { y: (r: { value: number }) => r.value, frameAnchor: "right", text: "name", dy, fill: "var(--muted)" }),
  ];
}

/** Points with 95% intervals joined by lines: accuracy per level over evaluations. */
export function intervalPlot(
  series: readonly (Omit<Series, "points"> & { points: readonly (Point & { low: number; high: number })[] })[],
  stages: readonly StageStart[],
  unit: string,
): string {
  const steps = series.flatMap((one) => one.points.map((point) => point.step));
  return draw({
    width: WIDTH,
    height: HEIGHT,
    x: { label: "step", labelOffset: 38, domain: [Math.min(...steps), Math.max(...steps)], ticks: 6, inset: 8 },
    y: { label: unit, domain: [0, 100], ticks: 5, grid: true, percent: true },
    marks: [
      ...stageMarks(stages),
      ...series.flatMap(({ points, color }) => [
        Plot.ruleX([...points], { x: "step", y1: "low", y2: "high", stroke: color, strokeOpacity: 0.55, strokeWidth: 2 }),
        Plot.lineY([...points], { x: "step", y: "value", stroke: color, strokeWidth: 2 }),
        Plot.dot([...points], { x: "step", y: "value", fill: color, r: 3.5 }),
      ]),
    ],
  });
}

/** How a level is called in front of people. */
export function levelName(level: string): string {
  return /^\d+$/.test(level) ? `level ${level}` : level;
}

export interface BarPair {
  group: string;
  label: string;
  value: number;
  low: number;
  high: number;
}

/** Bars side by side within groups, with 95% intervals: accuracy before and after, per level. */
export function barPlot(
  bars: readonly BarPair[],
  colors: Readonly<Record<string, string>>,
  size: { width: number; height: number },
): string {
  const labels = Object.keys(colors);
  return draw({
    ...size,
    fx: { label: null, domain: [...new Set(bars.map((one) => one.group))], padding: 0.18, axis: "bottom" },
    x: { axis: null, domain: labels, padding: 0.06 },
    y: { label: "right answers, %", domain: [0, 100], percent: true, ticks: 5, grid: true },
    marks: [
      Plot.barY([...bars], {
        fx: "group",
        x: "label",
        y: "value",
        fill: (one: BarPair) => colors[one.label],
        rx1: 2,
        ry1: 2,
      } as Plot.BarYOptions),
      Plot.ruleX([...bars], { fx: "group", x: "label", y1: "low", y2: "high", stroke: "currentColor", strokeWidth: 1.2 }),
      Plot.text([...bars], {
        fx: "group",
        x: "label",
        y: "high",
        text: (one: BarPair) => (100 * one.value).toFixed(0),
        dy: -7,
        fill: "currentColor",
      }),
      Plot.ruleY([0], { stroke: "var(--muted)" }),
    ],
  });
}

/** One piece per stage: averages must not reach across a change of task. */
function splitAt(points: readonly Point[], stages: readonly StageStart[]): Point[][] {
  const bounds = [-Infinity, ...stages.slice(1).map((stage) => stage.step), Infinity];
  return bounds
    .slice(1)
    .map((end, i) => points.filter((point) => point.step >= bounds[i]! && point.step < end))
    .filter((piece) => piece.length > 0);
}

function seriesMarks({ points, color, isExact = false }: Series): Plot.Markish[] {
  const data = [...points];
  if (data.length === 1) return [Plot.dot(data, { x: "step", y: "value", fill: color, r: 3 })];
  if (isExact || data.length < SMOOTH_FROM) return [Plot.lineY(data, { x: "step", y: "value", stroke: color, strokeWidth: 2 })];
  const k = Math.max(5, Math.round(data.length / 20));
  return [
    Plot.lineY(data, { x: "step", y: "value", stroke: color, strokeOpacity: 0.35, strokeWidth: 1 }),
    Plot.lineY(data, Plot.windowY({ k, anchor: "middle" }, { x: "step", y: "value", stroke: color, strokeWidth: 2 })),
  ];
}

function stageMarks(stages: readonly StageStart[]): Plot.Markish[] {
  return [
    Plot.ruleX(stages.slice(1), { x: "step", stroke: "var(--muted)", strokeDasharray: "2,3" }),
    Plot.text([...stages], { x: "step", text: "name", frameAnchor: "top", textAnchor: "start", dx: 4, dy: -14, fill: "var(--muted)" }),
  ];
}

/** The span of `values` with room around it; starts at 0 if 0 is near, so that small things do not look large. */
function paddedDomain(values: readonly number[]): [number, number] {
  const low = Math.min(...values);
  const high = Math.max(...values);
  if (low === high) return low === 0 ? [0, 1] : [Math.min(0, 2 * low), Math.max(0, 2 * high)];
  const isNearZero = low >= 0 && low < 0.8 * high;
  return [isNearZero ? 0 : low - 0.08 * (high - low), high + 0.08 * (high - low)];
}

/** The SVG of a plot, as text. */
export function draw(options: Plot.PlotOptions): string {
  const { document } = parseHTML("<!doctype html><html></html>");
  const figure = Plot.plot({
    marginTop: 34,
    marginLeft: 48,
    marginRight: 16,
    marginBottom: 44,
    style: { fontSize: "12px", background: "none" },
    ...options,
    document: document as unknown as NonNullable<Plot.PlotOptions["document"]>,
  });
  return figure.outerHTML;
}
