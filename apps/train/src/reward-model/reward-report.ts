// The report of a reward model, of answers or of steps: training curves, how far it can be believed, whether it takes length for quality.
import * as Plot from "@observablehq/plot";
import type { Calibration } from "@longcot/reward-model";
import type { Metrics } from "../events.ts";
import { percent } from "../progress/figures.ts";
import { renderDocument } from "../report/document.ts";
import { html } from "../report/markup.ts";
import type { Markup } from "../report/markup.ts";
import { figureMarkup } from "../report/page.ts";
import { draw } from "../report/plots.ts";
import { metricFigure } from "../report/run-figures.ts";
import type { Figure, FigureSpec } from "../report/run-figures.ts";
import { table } from "../report/table.ts";
import { PLOT_SIZE, reliabilityPlot, RIGHT_AND_WRONG, rightAndWrongPlot } from "./judge-plots.ts";
import type { PairMeasures } from "./measure-pairs.ts";
import type { Measured } from "./reward-task.ts";
import { stepFigures, stepSection } from "./step-report.ts";

export interface RewardReport {
  name: string;
  /** What it was trained on, `1024 pairs`; absent in an evaluation. */
  trainedOn?: string;
  engine: string;
  /** Of the training, a line per step; empty for an evaluation. */
  metrics: readonly Metrics[];
  /** Of held-out pairs or steps; empty: none were given. */
  measured: Measured;
}

/** The page as text; needs nothing from the network. */
export function renderRewardReport({ name, trainedOn, engine, metrics, measured: { pairs, steps } }: RewardReport): string {
  const figures = [
    ...trainingFigures(metrics, steps === undefined ? "pairs whose right answer scores higher" : "steps judged rightly"),
    ...(pairs === undefined ? [] : [reliabilityFigure(pairs.calibration), scoreFigure(pairs), lengthFigure(pairs)]),
    ...(steps === undefined ? [] : stepFigures(steps)),
  ];
  return renderDocument(
    { title: `${name}: longcot reward model` },
    html`<h1>${name}</h1>
      <p class="sub">${trainedOn === undefined ? "" : `trained on ${trainedOn} in ${metrics.length} steps · `}${engine}</p>
      ${pairs === undefined && steps === undefined ? html`<p class="note">Nothing was held out: nothing says yet how good it is.</p>` : ""}
      ${pairs === undefined ? "" : heldOutSection(pairs)} ${steps === undefined ? "" : stepSection(steps)}
      <h2>Figures</h2>
      <div class="grid">${figures.map(figureMarkup)}</div>`,
  );
}

function heldOutSection({ pairs, accuracy, accuracyInterval, logLoss, margin, calibration, lengthBias: bias }: PairMeasures): Markup {
  const rows = [
    ["pairs", pairs.toLocaleString("en")],
    ["pairs in order (accuracy)", `${percent(accuracy)} [${percent(accuracyInterval.low)}, ${percent(accuracyInterval.high)}]`],
    ["log loss", `${logLoss.toFixed(4)} nats`],
    ["expected calibration error", percent(calibration.ece)],
    ["mean score difference", margin.toFixed(3)],
  ];
  const slices: [string, typeof bias.chosenLonger][] = [
    ["the right answer is longer", bias.chosenLonger],
    ["the right answer is shorter", bias.chosenShorter],
    ["both are of one length", bias.equalLength],
  ];
  return html`<h2>Held-out pairs</h2>
    ${table([], rows)}
    <p class="note">In brackets the 95% bootstrap interval over pairs.</p>
    <h2>Length</h2>
    ${table(
      ["pairs where", "pairs", "accuracy"],
      slices.map(([what, slice]) => [what, slice.pairs, slice.accuracy === undefined ? "–" : percent(slice.accuracy)]),
    )}
    <p class="note">
      ${
        bias.longerIsChosen === undefined || bias.longerIsPreferred === undefined
          ? "No two answers of a pair differ in length."
          : `The longer answer is the right one in ${percent(bias.longerIsChosen)} of the pairs that differ in length, and scores higher in ${percent(bias.longerIsPreferred)} of them${bias.correlation === undefined ? "" : `; score and length differences correlate by ${bias.correlation.toFixed(2)}`}.`
      }
    </p>`;
}

function trainingFigures(metrics: readonly Metrics[], counted: string): Figure[] {
  const specs: FigureSpec[] = [
    {
      id: "loss",
      title: "Loss",
      caption: "Loss of a batch before its update, and of what is held out.",
      unit: "nats",
      lines: [
        { metric: "train/loss", name: "batch" },
        { metric: "val/loss", name: "held out", isExact: true },
      ],
    },
    {
      id: "accuracy",
      title: "Accuracy",
      caption: `Share of ${counted}.`,
      unit: `% of ${counted.split(" ", 1)[0]}`,
      lines: [
        { metric: "train/accuracy", name: "batch" },
        { metric: "val/accuracy", name: "held out", isExact: true },
      ],
      isShare: true,
    },
  ];
  return specs.flatMap((spec) => metricFigure(spec, metrics, { stages: [] }));
}

/** Confidence against accuracy, a dot per bin, as large as it has pairs. */
export function reliabilityFigure({ bins, ece }: Calibration): Figure {
  const filled = bins.filter(({ pairs }) => pairs > 0);
  const low = Math.min(0.5, ...filled.map(({ accuracy = 1 }) => accuracy));
  return {
    id: "reliability",
    title: "Reliability",
    caption: `How often pairs that the model is so sure of are in order; on the line it knows its doubts. Expected calibration error ${percent(ece)}; a dot's area is the number of pairs.`,
    legend: [],
    svg: reliabilityPlot(
      filled.map(({ confidence, accuracy, pairs: count }) => ({ claimed: confidence!, found: accuracy!, count })),
      { from: [50, 100 * low], claimed: "confidence, %", found: "in order, %" },
    ),
  };
}

/** How right and wrong answers score. */
function scoreFigure({ scores }: PairMeasures): Figure {
  const rows = (["chosen", "rejected"] as const).flatMap((side) => scores[side].map((value) => ({ isRight: side === "chosen", value })));
  return {
    id: "scores",
    title: "Scores",
    caption: "Right and wrong answers of the held-out pairs by score.",
    legend: RIGHT_AND_WRONG,
    svg: rightAndWrongPlot(rows, { x: { label: "score" }, thresholds: 40, counted: "answers" }),
  };
}

/** Does it take length for quality? Score differences over length differences, and accuracy by which side is longer. */
function lengthFigure({ scores, lengths, lengthBias: { correlation } }: PairMeasures): Figure {
  const rows = scores.chosen.map((score, i) => {
    const margin = score - scores.rejected[i]!;
    return { longer: lengths.chosen[i]! - lengths.rejected[i]!, margin, color: margin > 0 ? "var(--good)" : "var(--bad)" };
  });
  return {
    id: "length",
    title: "Length",
    caption: `Each dot a pair: by how much the right answer is longer, and by how much it scores higher${correlation === undefined ? "" : `; they correlate by ${correlation.toFixed(2)}`}. Below the line the wrong answer scores higher.`,
    legend: [
      { name: "in order", color: "var(--good)" },
      { name: "not", color: "var(--bad)" },
    ],
    svg: draw({
      ...PLOT_SIZE,
      x: { label: "tokens, right − wrong answer", labelOffset: 38, inset: 8 },
      y: { label: "score, right − wrong answer", grid: true, inset: 8 },
      marks: [
        Plot.ruleY([0], { stroke: "var(--muted)", strokeDasharray: "5,4" }),
        Plot.dot(rows, { x: "longer", y: "margin", r: 2.5, fill: "color", fillOpacity: 0.45 }),
      ],
    }),
  };
}
