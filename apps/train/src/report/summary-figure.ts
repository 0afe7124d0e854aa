// One picture of a run for a README: reward, entropy, and accuracy before and after, as a single SVG for light and dark pages.
import type { Recipe } from "../recipe/schema.ts";
import type { RunRecords } from "../run/records.ts";
import { escapeHtml } from "./markup.ts";
import { barPlot, levelName, linePlot } from "./plots.ts";
import { pointsOf, stageStarts } from "./run-figures.ts";
import { PALETTE_CSS } from "./style.ts";

const PANEL = { width: 330, height: 230 };
const GAP = 12;
const TITLE_HEIGHT = 34;

/** The picture as SVG text; undefined if the run has no step or no two evaluations yet. */
export function renderSummary(recipe: Recipe, { metrics, evaluations }: RunRecords): string | undefined {
  const first = evaluations[0];
  const last = evaluations.at(-1);
  const rewards = pointsOf(metrics, "critic/score/mean");
  const entropies = pointsOf(metrics, "actor/entropy");
  if (first === undefined || last === undefined || first === last || rewards.length === 0 || entropies.length === 0) return undefined;
  const stages = stageStarts(metrics, recipe);
  const bars = [first, last].flatMap((evaluation, i) =>
    evaluation.results.map((result) => ({
      group: levelName(result.level),
      label: i === 0 ? "before" : "after",
      value: result.avg_at_k,
      low: result.avg_at_k_low,
      high: result.avg_at_k_high,
    })),
  );
  const panels: [string, string][] = [
    [
      "Reward",
      linePlot({
        series: [{ name: "reward", points: rewards, color: "var(--series-1)" }],
        stages,
        unit: "mean of the step",
        domain: [0, 1],
        ...PANEL,
      }),
    ],
    [
      "Entropy",
      linePlot({ series: [{ name: "entropy", points: entropies, color: "var(--series-2)" }], stages, unit: "nats per token", ...PANEL }),
    ],
    [
      `Held-out avg@${last.samples_per_prompt}: <tspan fill="var(--before)">before</tspan>, <tspan fill="var(--after)">after</tspan>`,
      barPlot(bars, { before: "var(--before)", after: "var(--after)" }, PANEL),
    ],
  ];
  const width = panels.length * PANEL.width + (panels.length - 1) * GAP;
  const height = PANEL.height + TITLE_HEIGHT;
  const body = panels.map(([title, svg], i) => {
    const x = i * (PANEL.width + GAP);
    return `<text x="${x + 10}" y="20" font-size="15" font-weight="600" fill="currentColor">${title}</text>${svg.replace("<svg ", `<svg x="${x}" y="${TITLE_HEIGHT}" `)}`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" role="img" aria-label="${escapeHtml(`${recipe.name}: reward, entropy and held-out accuracy`)}"><style>${PALETTE_CSS} :root { color: var(--ink); }</style>${body.join("")}</svg>\n`;
}
