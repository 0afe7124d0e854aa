// The data card of distilled answers: a README in the form that data set hubs read.
import { percent } from "../progress/figures.ts";
import type { DistillRecipe } from "./distill-recipe.ts";
import { totalOf, type DistillStats } from "./distill-stats.ts";

/** Markdown with a YAML head. */
export function distillCard(recipe: DistillRecipe, stats: DistillStats): string {
  const total = totalOf(stats);
  const { budget, filter, sampling, output } = recipe;
  const size =
    ["n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M"][Math.max(0, Math.floor(Math.log10(Math.max(1, total.kept))) - 2)] ??
    "n>10M";
  const columns = output.format === "messages" ? "`messages`" : "`prompt`, `completion`";
  const money = (value: number) => (value === 0 ? "–" : value.toPrecision(4));
  return `---
task_categories: [text-generation]
size_categories: ["${size}"]
configs: [{ config_name: default, data_files: "data/*.parquet" }]
---

# ${recipe.name}

${total.kept} answers of ${Object.keys(stats.teachers).join(", ") || "no teacher"} to ${total.covered} of ${total.problems} problems. Files: \`data/*.parquet\`, columns ${columns}, \`data_source\`,
\`extra_info\` {prompt_id, sample, teacher, completion_tokens, pass_rate, level}; reasoning stands in \`<think>…</think>\`.

| source | problems | solved | answered | answers asked | kept | yield | tokens paid | tokens kept | cost |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
${[...Object.entries(stats.sources), ...(Object.keys(stats.sources).length > 1 ? [["all", total] as const] : [])]
  .map(
    ([name, s]) =>
      `| ${name} | ${s.problems} | ${percent(s.solved / s.problems)} | ${percent(s.covered / s.problems)} | ${s.answers} | ${s.kept} | ${percent(s.kept / s.answers)} | ${s.prompt_tokens + s.completion_tokens} | ${s.kept_tokens} | ${money(s.cost)} |`,
  )
  .join("\n")}

| teacher | answers | kept | prompt tokens | completion tokens | cost |
| --- | --- | --- | --- | --- | --- |
${Object.entries(stats.teachers)
  .map(([name, t]) => `| ${name} | ${t.answers} | ${t.kept} | ${t.prompt_tokens} | ${t.completion_tokens} | ${money(t.cost)} |`)
  .join("\n")}

| left out because | answers |
| --- | --- |
${
  Object.entries(total.rejected)
    .toSorted(([, a], [, b]) => b - a)
    .map(([reason, count]) => `| ${reason} | ${count} |`)
    .join("\n") || "| nothing | 0 |"
}

Each problem was asked ${budget.first} times, hard ones up to ${budget.most}, until ${budget.wanted} good answer${budget.wanted === 1 ? " was" : "s were"} there (temperature ${sampling.temperature}, top-p ${sampling.top_p}).
Good: ${filter.verified ? "right by the verifier, " : ""}ended by itself, reasoning ${filter.thinking === "required" ? "there and closed" : "closed if opened"}, at most ${percent(filter.max_repetition)} repeated${filter.scripts === undefined ? "" : `, ${percent(filter.min_script_share)} of its letters ${filter.scripts.join(" or ")}`}, unlike the others to its problem (below ${filter.duplicates}).

Made by \`longcot distill\`; \`recipe.yaml\` has every setting${output.rejected ? ", `rejected/*.parquet` what was left out, with the reason" : ""}.
`;
}
