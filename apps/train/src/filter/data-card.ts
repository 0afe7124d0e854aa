// The data card of filtered problems: a README in the form that data set hubs read.
import type { FilterOutcome } from "./run-filter.ts";
import type { FilterRecipe } from "./filter-recipe.ts";
import { stepHistograms, type StepHistogram } from "./step-histograms.ts";

/** Markdown with a YAML head. */
export function dataCard(
  recipe: FilterRecipe,
  { rowsRead, rowsWritten, steps, sources, mix, output }: Omit<FilterOutcome, "folder">,
): string {
  const size = [1e3, 1e4, 1e5, 1e6, 1e7].find((bound) => rowsWritten < bound) ?? Infinity;
  const sizes: Record<number, string> = { 1e3: "n<1K", 1e4: "1K<n<10K", 1e5: "10K<n<100K", 1e6: "100K<n<1M", 1e7: "1M<n<10M" };
  const dropped = steps.flatMap(({ step, dropped: kinds }) =>
    Object.entries(kinds).map(([kind, count]) => `| ${step} | ${kind} | ${count} |`),
  );
  const mended = steps.flatMap(({ step, repaired }) =>
    Object.entries(repaired).map(([kind, count]) => `| ${step} | ${kind}, changed | ${count} |`),
  );
  return `---
task_categories: [text-generation]
size_categories: ["${sizes[size] ?? "n>10M"}"]
---

# ${recipe.name}

${sources.reduce((sum, { written }) => sum + written, 0)} problems with verifiable answers, of ${rowsRead} read${mix === undefined ? "" : `, mixed into ${rowsWritten} rows`}. File: \`${output.split("/").at(-1)!}\`, in verl's row schema:
\`data_source\`, \`prompt\`, \`ability\`, \`reward_model\` {style, ground_truth}, \`extra_info\`.

| step | reason | problems |
| --- | --- | --- |
${[...dropped, ...mended].join("\n")}

| source | read | left |
| --- | --- | --- |
${sources.map(({ source, read, written }) => `| ${source || "(none)"} | ${read} | ${written} |`).join("\n")}
${mixed(mix)}${stepHistograms(recipe, steps).map(histogram).join("")}
Made by \`longcot filter\`; \`report.json\` holds the recipe, \`dropped.parquet\` every problem left out with its reason.
`;
}

function mixed(mix: FilterOutcome["mix"]): string {
  if (mix === undefined) return "";
  const rows = mix.map(({ source, problems, rows: written }) => `| ${source || "(none)"} | ${problems} | ${written} |`);
  return `\n| source | problems | rows written |\n| --- | --- | --- |\n${rows.join("\n")}\n`;
}

function histogram({ title, unit, counts, isDropped }: StepHistogram): string {
  const rows = counts.map((count, n) => `| ${n} | ${count} | ${isDropped(n) ? "dropped" : "kept"} |`);
  return `\n## ${title}\n\n| ${unit} | problems | |\n| --- | --- | --- |\n${rows.join("\n")}\n`;
}
