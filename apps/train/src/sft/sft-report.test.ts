import { parseHTML } from "linkedom";
import { expect, test } from "vitest";
import { syntheticEvaluation } from "../../fixtures/synthetic-run.ts";
import type { SftEvaluation } from "./sft-folder.ts";
import { loadSftRecipe } from "./sft-recipe.ts";
import { renderSftReport } from "./sft-report.ts";

const recipe = loadSftRecipe({ model: "m", data: ["<rows>.jsonl"] });
const facts = { engine: "tensorflow 2.21.0", parameters: 1200, examples: 100, steps: 40 };
const metrics = Array.from({ length: 40 }, (_, i) => ({
  "training/global_step": i + 1,
  "train/loss": 2 / (i + 1),
  "train/entropy": 1 / (i + 1),
  "train/lr": 1e-3,
  "train/grad_norm": 1,
  "train/tokens": 100 * (i + 1),
  "train/epoch": (i + 1) / 10,
  "perf/throughput": 5000,
}));
const validated = (losses: number[]): SftEvaluation[] =>
  losses.map((loss, i) => ({ step: 20 * i, label: String(i), validation_loss: loss }));
const page = (evaluations: SftEvaluation[]) => renderSftReport(recipe, facts, metrics, evaluations);

test("loss with validation loss, learning rate, tokens, avg@k: a figure each; nothing from elsewhere", () => {
  const records = [syntheticEvaluation("start", 0, 0), syntheticEvaluation("final", 40, 1)];
  const text = page(records.map((record, i) => ({ ...record, validation_loss: 2 - i })));
  const { document } = parseHTML(text);
  const figures = [...document.querySelectorAll("figure")];
  expect(figures.map(({ id }) => id)).toEqual([
    "loss",
    "entropy",
    "learning-rate",
    "tokens",
    "grad-norm",
    "throughput",
    "avg-at-k",
    "pass-at-k",
  ]);
  expect(figures[0]!.querySelector(".legend")!.textContent).toMatch(/batch\s*validation/);
  expect(text).toContain("40 of 40 steps · 4000 completion tokens, 4 epochs of 100 examples");
  expect(text).toContain("The validation loss went from 2.0000 to 1.0000 nats a token.");
  expect(text).toContain("&lt;rows&gt;.jsonl");
  expect(text.match(/(?:src|href)="[^#"]|url\(|@import|<link|<script/g)).toBeNull();
});

test("a validation loss that has risen is named, one that wavers is not; without any the page says so", () => {
  expect(page(validated([2, 0.5, 0.6]))).toContain("Overfitting: the validation loss went from 2.0000 to 0.6000 nats a token");
  expect(page(validated([2, 0.5, 0.505]))).not.toContain("Overfitting");
  expect(page([])).toContain("Neither validation examples nor problems were given");
});
