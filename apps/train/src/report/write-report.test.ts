import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseHTML } from "linkedom";
import { expect, test } from "vitest";
import { fillRun, syntheticEvaluation, syntheticMetrics, syntheticSample } from "../../fixtures/synthetic-run.ts";
import { loadRecipe } from "../recipe/load-recipe.ts";
import { createRunFolder } from "../run/run-folder.ts";
import { chooseSamples } from "./sample-choice.ts";
import { entropyVerdict, gainVerdict } from "./verdict.ts";
import { writeReport } from "./write-report.ts";

const { recipe } = loadRecipe({ source: "quickstart" });
const scratch = () => join(mkdtempSync(join(tmpdir(), "longcot-report-")), "run");

async function reportOf(steps: number): Promise<{ page: string; folder: string }> {
  const folder = scratch();
  const run = await createRunFolder(folder, recipe);
  if (steps > 0) fillRun(run, steps);
  run.close();
  return { page: readFileSync(await writeReport(folder), "utf8"), folder };
}

test("every figure is drawn, with its unit, its steps and the stages", async () => {
  const { page } = await reportOf(40);
  const { document } = parseHTML(page);
  const figures = [...document.querySelectorAll("figure")];
  expect(figures.map((figure) => figure.id)).toEqual([
    "reward",
    "entropy",
    "length",
    "alpha",
    "clipfrac",
    "truncated",
    "groups",
    "grad-norm",
    "avg-at-k",
    "pass-at-k",
  ]);
  for (const figure of figures) {
    const labels = [...figure.querySelectorAll("text")].map((label) => label.textContent);
    expect(labels).toEqual(expect.arrayContaining(["step →", ...recipe.stages.slice(0, 2).map((stage) => stage.name)]));
    const paths = [...figure.querySelectorAll('[aria-label="line"] path')].map((path) => path.getAttribute("d") ?? "");
    expect(paths.length).toBeGreaterThan(0);
    for (const path of paths)
      expect(
        (path.match(/-?\d+(\.\d+)?/g) ?? []).map(Number).every((value: number) => value >= -1 && value <= 461),
        `${figure.id} stays inside`,
      ).toBe(true);
  }
  expect(page).toContain("avg@8 went from 55.7% to 87.3% (+31.7 points).");
  expect(page).toContain("No entropy collapse: 0.107 nats at the first step, 0.068 at the last.");
});

test("the page needs nothing from elsewhere and escapes what a model wrote", async () => {
  const { page } = await reportOf(40);
  expect(page.match(/(?:src|href)="[^#"]|url\(|@import|<link|<script/g)).toBeNull();
  expect(page).toContain("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; more");
});

test("the summary picture holds three plots and its own colours", async () => {
  const { folder } = await reportOf(40);
  const svg = readFileSync(join(folder, "report", "summary.svg"), "utf8");
  expect(svg.match(/<svg /g)).toHaveLength(4);
  expect(svg).toContain("prefers-color-scheme: dark");
  expect(svg).toContain(">level 3<");
});

test("a run without any step has a page, and no picture", async () => {
  const { page, folder } = await reportOf(0);
  expect(page).toContain("No step is finished yet.");
  expect(existsSync(join(folder, "report", "summary.svg"))).toBe(false);
});

test("a collapse is called one", () => {
  const metrics = Array.from({ length: 40 }, (_, i) => ({
    ...syntheticMetrics(i + 1, 40),
    "training/global_step": i + 1,
    "actor/entropy": i < 20 ? 0.5 : 0.01,
    "critic/score/mean": 0.4,
  }));
  expect(entropyVerdict(metrics)).toMatchObject({ tone: "bad", text: expect.stringMatching(/^Entropy collapsed by step \d+: /) as string });
  expect(entropyVerdict(metrics.slice(0, 5))).toMatchObject({ tone: "neutral", text: "Too few steps to judge the entropy (5 of 20)." });
});

test("a loss of accuracy is called one", () => {
  expect(gainVerdict([syntheticEvaluation("cold start", 0, 1), syntheticEvaluation("final", 9, 0)])).toEqual({
    tone: "bad",
    text: "avg@8 went from 87.3% to 55.7% (−31.7 points).",
  });
  expect(gainVerdict([syntheticEvaluation("cold start", 0, 1)]).tone).toBe("neutral");
});

test("samples: two each of first and last, right and wrong", () => {
  const samples = [1, 2, 3, 8, 9, 10].flatMap((step) => [syntheticSample(step, true), syntheticSample(step, false)]);
  expect(chooseSamples(samples).map((group) => [group.title, group.samples.map((sample) => sample.step)])).toEqual([
    ["First steps, right", [1, 2]],
    ["First steps, wrong", [1, 2]],
    ["Last steps, right", [10, 9]],
    ["Last steps, wrong", [10, 9]],
  ]);
});
