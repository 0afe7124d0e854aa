// The part of a reward model's report that is about steps: does it find the first error, and can its probabilities be believed?
import * as Plot from "@observablehq/plot";
import { percent } from "../progress/figures.ts";
import { html } from "../report/markup.ts";
import type { Markup } from "../report/markup.ts";
import { draw } from "../report/plots.ts";
import type { Figure } from "../report/run-figures.ts";
import type { AnswerStepMeasures } from "./measure-steps.ts";

const SIZE = { width: 460, height: 300 };

/** The table of held-out steps. */
export function stepSection({ answers, steps, accuracy, logLoss, ece, erroneous, faultless, f1 }: AnswerStepMeasures): Markup {
  const rows: [string, string][] = [
    ["answers", answers.toLocaleString("en")],
    ["steps", steps.toLocaleString("en")],
    ["steps judged rightly (accuracy)", percent(accuracy)],
    ["log loss", `${logLoss.toFixed(4)} nats`],
    ["expected calibration error", percent(ece)],
    [
      `first error found, of ${erroneous.answers.toLocaleString("en")} answers`,
      erroneous.found === undefined ? "–" : percent(erroneous.found),
    ],
    [
      `nothing suspected, of ${faultless.answers.toLocaleString("en")} without`,
      faultless.passed === undefined ? "–" : percent(faultless.passed),
    ],
    ["F1 of the two", f1 === undefined ? "–" : percent(f1)],
  ];
  return html`<h2>Held-out steps</h2>
    <div class="scroll">
      <table>
        <tbody>
          ${rows.map(
            ([what, value]) =>
              html`<tr>
                <td>${what}</td>
                <td>${value}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    <p class="note">A step is wrong where no continuation after it was right; it is suspected where its probability is below 50%.</p>`;
}

export function stepFigures({ bins, ece, judged }: AnswerStepMeasures): Figure[] {
  const filled = bins.filter(({ steps }) => steps > 0);
  const rows = judged.flatMap(({ probabilities, labels }) => labels.map((isRight, i) => ({ isRight, probability: probabilities[i]! })));
  const colors = { right: "var(--good)", wrong: "var(--bad)" };
  const percentAxis = { domain: [0, 100], percent: true, inset: 8 };
  return [
    {
      id: "reliability",
      title: "Reliability",
      caption: `How often the policy is right when it goes on from steps of such a probability; on the line the model knows its doubts. Expected calibration error ${percent(ece)}; a dot's area is the number of steps.`,
      legend: [],
      svg: draw({
        ...SIZE,
        x: { ...percentAxis, label: "probability, %", labelOffset: 38 },
        y: { ...percentAxis, label: "continuations that are right, %", grid: true },
        r: { range: [2, 12] },
        marks: [
          Plot.line(
            [
              [0, 0],
              [1, 1],
            ],
            { stroke: "var(--muted)", strokeDasharray: "5,4" },
          ),
          Plot.line([...filled], { x: "probability", y: "value", stroke: "var(--series-1)", strokeWidth: 1.5 }),
          Plot.dot([...filled], { x: "probability", y: "value", r: "steps", fill: "var(--series-1)", fillOpacity: 0.75 }),
        ],
      }),
    },
    {
      id: "probabilities",
      title: "Probabilities",
      caption: "Right and wrong steps of the held-out answers by probability.",
      legend: [
        { name: "right", color: colors.right },
        { name: "wrong", color: colors.wrong },
      ],
      svg: draw({
        ...SIZE,
        x: { ...percentAxis, label: "probability, %", labelOffset: 38 },
        y: { label: "steps", grid: true },
        marks: [
          Plot.rectY(
            rows,
            Plot.binX({ y2: "count" }, {
              x: "probability",
              thresholds: Array.from({ length: 21 }, (_, i) => i / 20),
              fill: (row: { isRight: boolean }) => (row.isRight ? colors.right : colors.wrong),
              fillOpacity: 0.5,
            } as Plot.BinXInputs<Plot.RectYOptions>),
          ),
        ],
      }),
    },
  ];
}
