// The part of a reward model's report that is about steps: does it find the first error, and can its probabilities be believed?
import { percent } from "../progress/figures.ts";
import { html } from "../report/markup.ts";
import type { Markup } from "../report/markup.ts";
import type { Figure } from "../report/run-figures.ts";
import { table } from "../report/table.ts";
import { reliabilityPlot, RIGHT_AND_WRONG, rightAndWrongPlot } from "./judge-plots.ts";
import type { AnswerStepMeasures } from "./measure-steps.ts";

/** The table of held-out steps. */
export function stepSection({ answers, steps, accuracy, logLoss, ece, erroneous, faultless, f1 }: AnswerStepMeasures): Markup {
  const rows = [
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
    ${table([], rows)}
    <p class="note">A step is wrong where no continuation after it was right; it is suspected where its probability is below 50%.</p>`;
}

export function stepFigures({ bins, ece, judged }: AnswerStepMeasures): Figure[] {
  const filled = bins.filter(({ steps }) => steps > 0);
  const rows = judged.flatMap(({ probabilities, labels }) => labels.map((isRight, i) => ({ isRight, value: probabilities[i]! })));
  return [
    {
      id: "reliability",
      title: "Reliability",
      caption: `How often the policy is right when it goes on from steps of such a probability; on the line the model knows its doubts. Expected calibration error ${percent(ece)}; a dot's area is the number of steps.`,
      legend: [],
      svg: reliabilityPlot(
        filled.map(({ probability, value, steps: count }) => ({ claimed: probability!, found: value!, count })),
        { from: [0, 0], claimed: "probability, %", found: "continuations that are right, %" },
      ),
    },
    {
      id: "probabilities",
      title: "Probabilities",
      caption: "Right and wrong steps of the held-out answers by probability.",
      legend: RIGHT_AND_WRONG,
      svg: rightAndWrongPlot(rows, {
        x: { label: "probability, %", domain: [0, 100], percent: true, inset: 8 },
        thresholds: Array.from({ length: 21 }, (_, i) => i / 20),
        counted: "steps",
      }),
    },
  ];
}
