// The report of a fine-tuning: what it gained, its curves, the settings. The same look as a training's.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { atomicWrite, readLog } from "@longcot/durable-files";
import type { Metrics } from "../events.ts";
import { compactCount } from "../progress/figures.ts";
import { accuracyTable } from "../report/accuracy-table.ts";
import { renderDocument } from "../report/document.ts";
import { html } from "../report/markup.ts";
import { figureMarkup } from "../report/page.ts";
import { evaluationFigures, metricFigure } from "../report/run-figures.ts";
import type { FigureSpec } from "../report/run-figures.ts";
import { gainVerdict } from "../report/verdict.ts";
import type { Verdict } from "../report/verdict.ts";
import { EVALUATIONS_FILE, METRICS_FILE } from "../run/records.ts";
import type { EvaluationRecord } from "../run/records.ts";
import type { SftEvaluation } from "./sft-folder.ts";
import { writeSftRecipe } from "./sft-recipe.ts";
import type { SftRecipe } from "./sft-recipe.ts";

/** What the recipe does not say of a run. */
export interface SftFacts {
  engine: string;
  parameters: number;
  examples: number;
  steps: number;
}

/** Of the validation loss behind its lowest one: from this share on it has risen for good, below it wavers. */
const RISEN = 0.02;

const FIGURES: FigureSpec[] = [
  {
    id: "loss",
    title: "Loss",
    caption: "Mean −log p of the completion tokens: of the step's batch before its update, and of the validation examples.",
    unit: "nats per token",
    lines: [
      { metric: "train/loss", name: "batch" },
      { metric: "val/loss", name: "validation", isExact: true },
    ],
  },
  {
    id: "divergence",
    title: "Divergence from the teacher",
    caption: "Mean over the completion tokens of the step's batch, before its update.",
    unit: "nats per token",
    lines: [{ metric: "train/divergence", name: "divergence" }],
  },
  {
    id: "entropy",
    title: "Entropy",
    caption: "Of the model's distributions, mean over the completion tokens of the step's batch.",
    unit: "nats per token",
    lines: [{ metric: "train/entropy", name: "entropy" }],
  },
  {
    id: "learning-rate",
    title: "Learning rate",
    caption: "Of the step's update.",
    unit: "learning rate",
    lines: [{ metric: "train/lr", name: "learning rate", isExact: true }],
  },
  {
    id: "tokens",
    title: "Tokens",
    caption: "Completion tokens learnt from so far.",
    unit: "tokens",
    lines: [{ metric: "train/tokens", name: "tokens", isExact: true }],
  },
  {
    id: "grad-norm",
    title: "Gradient norm",
    caption: "Global norm before clipping.",
    unit: "L2 norm",
    lines: [{ metric: "train/grad_norm", name: "gradient norm" }],
  },
  {
    id: "throughput",
    title: "Throughput",
    caption: "Completion tokens of the step by the seconds of its update.",
    unit: "tokens per second",
    lines: [{ metric: "perf/throughput", name: "throughput" }],
  },
];

/** Writes report/index.html from what the run at `path` has recorded so far; returns its path. */
export function writeSftReport(path: string, recipe: SftRecipe, facts: SftFacts): string {
  const folder = join(path, "report");
  mkdirSync(folder, { recursive: true });
  const page = join(folder, "index.html");
  const evaluations = readLog<SftEvaluation>(join(path, EVALUATIONS_FILE));
  atomicWrite(page, renderSftReport(recipe, facts, readLog<Metrics>(join(path, METRICS_FILE)), evaluations));
  return page;
}

/** The whole page as text; needs nothing from the network. */
export function renderSftReport(
  recipe: SftRecipe,
  { engine, parameters, examples, steps }: SftFacts,
  metrics: readonly Metrics[],
  evaluations: readonly SftEvaluation[],
): string {
  const accuracies = evaluations.filter((record): record is SftEvaluation & EvaluationRecord => record.results !== undefined);
  const verdicts = [...(accuracies.length === 0 ? [] : [gainVerdict(accuracies)]), ...validationVerdict(evaluations)];
  const curves = withValidation(metrics, evaluations);
  const figures = [...FIGURES.flatMap((spec) => metricFigure(spec, curves, { stages: [] })), ...evaluationFigures(accuracies, [])];
  const last = metrics.at(-1);
  const seen =
    last === undefined
      ? ""
      : ` · ${compactCount(last["train/tokens"]!)} completion tokens, ${Number(last["train/epoch"]!.toFixed(2))} epochs of ${compactCount(examples)} examples`;
  return renderDocument(
    { title: `${recipe.name}: longcot report` },
    html`<header>
        <h1>${recipe.name}</h1>
        <p class="sub">
          seed ${recipe.seed} · ${metrics.length} of ${steps} steps${seen} · ${compactCount(parameters)}
          ${recipe.lora === undefined ? "parameters" : "parameters of adapters"} · ${engine}
        </p>
      </header>
      ${
        verdicts.length === 0
          ? html`<p class="note">Neither validation examples nor problems were given: nothing says yet how good the model is.</p>`
          : html`<ul class="verdicts">
              ${verdicts.map(({ tone, text }) => html`<li class="${tone}">${text}</li>`)}
            </ul>`
      }
      ${accuracyTable(accuracies)}
      <h2>Curves</h2>
      ${figures.length === 0 ? html`<p class="note">No step is finished yet.</p>` : html`<div class="grid">${figures.map(figureMarkup)}</div>`}
      <h2>Recipe</h2>
      <details>
        <summary>every key, as resolved</summary>
        <pre>${writeSftRecipe(recipe)}</pre>
      </details>`,
  );
}

/** The metrics with the validation losses at their steps; that of the model before the first step stands in a line of its own. */
function withValidation(metrics: readonly Metrics[], evaluations: readonly SftEvaluation[]): Metrics[] {
  const lines: Metrics[] = evaluations.flatMap(({ step, validation_loss: loss }) =>
    loss === undefined || metrics.length === 0 ? [] : [{ "training/global_step": step, "val/loss": loss }],
  );
  return [...metrics, ...lines];
}

/** Whether the validation loss fell, and whether it has risen again. */
function validationVerdict(evaluations: readonly SftEvaluation[]): Verdict[] {
  const losses = evaluations.flatMap(({ step, validation_loss: loss }) => (loss === undefined ? [] : [{ step, loss }]));
  const [first, last] = [losses[0], losses.at(-1)];
  if (first === undefined || last === undefined || first === last) return [];
  const best = losses.reduce((lowest, one) => (one.loss < lowest.loss ? one : lowest));
  const course = `validation loss went from ${first.loss.toFixed(4)} to ${last.loss.toFixed(4)} nats a token`;
  if (last.loss > (1 + RISEN) * best.loss)
    return [{ tone: "bad", text: `Overfitting: the ${course}, and was lowest after step ${best.step} (${best.loss.toFixed(4)}).` }];
  return [{ tone: last.loss < first.loss ? "good" : "bad", text: `The ${course}.` }];
}
