// Which figures a study's report holds, each from its tables.
import type { Finding } from "@longcot/entropy-dynamics";
import type { Figure } from "../report/run-figures.ts";
import type { RunRow } from "./run-rows.ts";
import type { StudyData } from "./study-data.ts";
import { bandPlot, collapsePlot, effectPlot, scatterPlot } from "./study-plots.ts";
import type { Band, EffectRow } from "./study-plots.ts";

const COLORS = ["var(--series-1)", "var(--series-2)", "var(--series-3)", "var(--series-4)", "var(--series-5)", "var(--series-6)"];
/** Steps of the moving average over an entropy curve: single steps of small batches are noise. */
const SMOOTH_STEPS = 5;

/** Entropy and score of each group of cells that the study draws together. */
export function curveFigures(data: StudyData): { title: string; figures: Figure[] }[] {
  return data.record.plots.map(({ title, cells }, i) => ({
    title,
    figures: [
      entropyFigure(data, cells, `entropy-${i + 1}`),
      scoreFigure(data, cells, `score-${i + 1}`),
      measuredFigure(data, cells, `measured-${i + 1}`),
    ].filter((figure) => figure !== undefined),
  }));
}

function entropyFigure(data: StudyData, cells: readonly string[], id: string): Figure | undefined {
  const bands = metricBands(data, cells, "entropy/all");
  if (bands.length === 0) return undefined;
  return {
    id,
    title: "Entropy",
    caption: `Full-vocabulary entropy over all responses, ${SMOOTH_STEPS}-step average; line: mean over seeds, band: lowest to highest.`,
    legend: bands.map(({ name, color }) => ({ name, color })),
    svg: bandPlot(bands, { unit: "nats per token" }),
  };
}

/** What controllers see, where one of the cells has a target for it. */
function measuredFigure(data: StudyData, cells: readonly string[], id: string): Figure | undefined {
  const target = Math.max(...data.record.cells.filter(({ name }) => cells.includes(name)).map(({ settings }) => settings.targetNats));
  if (target <= 0) return undefined;
  const bands = metricBands(data, cells, "actor/entropy");
  return {
    id,
    title: "Entropy as the controller measures it",
    caption: `Mean negative log-probability of the sampled tokens of kept groups, ${SMOOTH_STEPS}-step average, against the target.`,
    legend: bands.map(({ name, color }) => ({ name, color })),
    svg: bandPlot(bands, { unit: "nats per token", reference: { value: target, name: "target" } }),
  };
}

function metricBands(data: StudyData, cells: readonly string[], metric: string): Band[] {
  return bandsOf(cells, (cell) =>
    seedSeries(data, cell, (seed) =>
      data.steps.flatMap((row) =>
        row.cell === cell && row.seed === seed && typeof row[metric] === "number" ? [{ step: row.step, value: row[metric] }] : [],
      ),
    ).map((points) => smoothed(points, SMOOTH_STEPS)),
  );
}

function scoreFigure(data: StudyData, cells: readonly string[], id: string): Figure | undefined {
  const bands = bandsOf(cells, (cell) =>
    seedSeries(data, cell, (seed) =>
      data.evaluations
        .filter((row) => row.cell === cell && row.seed === seed && row.level === "all")
        .map((row) => ({ step: row.step, value: row.avg_at_k })),
    ),
  );
  if (bands.length === 0) return undefined;
  return {
    id,
    title: "Held-out score",
    caption: `Right answers, ${data.evaluations[0]!.samples_per_prompt} samples a held-out problem; line: mean over seeds, band: lowest to highest.`,
    legend: bands.map(({ name, color }) => ({ name, color })),
    svg: bandPlot(bands, { unit: "right answers, %", isShare: true }),
  };
}

/** Score against final entropy, when runs collapsed, and the effects behind the findings. */
export function summaryFigures({ record }: StudyData, rows: readonly RunRow[], findings: readonly Finding[]): Figure[] {
  const settings = new Map(record.cells.map((cell) => [cell.name, cell.settings]));
  const measured = rows.filter((row) => row.final_entropy !== undefined);
  const figures: Figure[] = [];
  const points = measured.flatMap((row) => {
    if (row.final_score === undefined || row.final_entropy! <= 0) return [];
    const isControlled = settings.get(row.cell)!.controller !== "none";
    return [
      {
        entropy: row.final_entropy!,
        score: row.final_score,
        isControlled,
        color: COLORS[kindOf(row, settings.get(row.cell)!.temperature)]!,
      },
    ];
  });
  if (points.length > 0)
    figures.push({
      id: "score-entropy",
      title: "Score against final entropy",
      caption: "One dot a run; entropy is the mean of the last quarter of the steps. Hollow: the entropy was rewarded.",
      legend: KINDS.map((name, i) => ({ name, color: COLORS[i]! })).filter(({ color }) => points.some((point) => point.color === color)),
      svg: scatterPlot(points),
    });
  if (measured.length > 0)
    figures.push({
      id: "collapse",
      title: "Steps until collapse",
      caption: `First step at which entropy (5-step mean) is at most ${record.collapse_fraction} of its start at temperature 1; one dot a seed, hollow at the end of a run that never fell so far.`,
      legend: [],
      svg: collapsePlot(
        measured.map((row) => ({ cell: row.cell, step: row.collapse_step ?? row.steps, isCollapsed: row.collapse_step !== undefined })),
        record.cells.map(({ name }) => name).filter((name) => measured.some((row) => row.cell === name)),
      ),
    });
  for (const unit of ["ratio", "score"] as const) {
    const effects = findings.flatMap((finding): EffectRow[] =>
      finding.unit === unit && finding.effect !== undefined
        ? [{ name: finding.id, ...finding.effect, color: VERDICT_COLORS[finding.verdict] }]
        : [],
    );
    if (effects.length === 0) continue;
    figures.push({
      id: `effects-${unit}`,
      title: unit === "ratio" ? "Effects on entropy" : "Effects on the score",
      caption: `Mean over seeds with its 95% interval (Student's t); the dashed line is no effect. Names are those of the findings.`,
      legend: [],
      svg: effectPlot(effects, {
        unit: unit === "ratio" ? "ratio of entropies" : "points of the held-out score",
        isRatio: unit === "ratio",
      }),
    });
  }
  return figures;
}

const KINDS = ["on-policy", "N_SGD 2 to 3", "N_SGD 4 and more", "temperature below 1"];

function kindOf({ sgd_steps }: RunRow, temperature: number): number {
  if (temperature < 1) return 3;
  return sgd_steps <= 1 ? 0 : sgd_steps < 4 ? 1 : 2;
}

const VERDICT_COLORS = { agrees: "var(--good)", "does not": "var(--bad)", inconclusive: "var(--muted)", "not tested": "var(--muted)" };

interface Point {
  step: number;
  value: number;
}

function seedSeries({ record }: StudyData, cell: string, pointsOf: (seed: number) => Point[]): Point[][] {
  return record.runs
    .filter((run) => run.cell === cell)
    .map(({ seed }) => pointsOf(seed))
    .filter((points) => points.length > 0);
}

function bandsOf(cells: readonly string[], seriesOf: (cell: string) => Point[][]): Band[] {
  return cells.flatMap((name, i) => {
    const series = seriesOf(name);
    const steps = [...new Set(series.flatMap((points) => points.map(({ step }) => step)))].toSorted((a, b) => a - b);
    const points = steps.map((step) => {
      const values = series.flatMap((one) => one.filter((point) => point.step === step).map(({ value }) => value));
      return {
        step,
        mean: values.reduce((sum, value) => sum + value, 0) / values.length,
        low: Math.min(...values),
        high: Math.max(...values),
      };
    });
    return points.length === 0 ? [] : [{ name, color: COLORS[i % COLORS.length]!, points }];
  });
}

/** Centred moving average, shorter at the ends. */
function smoothed(points: readonly Point[], window: number): Point[] {
  const reach = Math.floor(window / 2);
  return points.map(({ step }, i) => {
    const near = points.slice(Math.max(0, i - reach), i + reach + 1);
    return { step, value: near.reduce((sum, point) => sum + point.value, 0) / near.length };
  });
}
