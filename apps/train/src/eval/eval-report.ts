// The report of an evaluation: scores, a map of problems, samples with verdict and reason.
import type { PromptRow } from "@longcot/data-filter";
import { percent } from "../progress/figures.ts";
import { renderDocument } from "../report/document.ts";
import { html, type Markup } from "../report/markup.ts";
import { table } from "../report/table.ts";
import type { Share } from "./eval-figures.ts";
import type { BenchmarkResult, EvalOutcome } from "./eval-outcome.ts";
import type { GradedSample } from "./sample-log.ts";

const EVAL_CSS = `
  .map { display: grid; grid-template-columns: repeat(auto-fill, 18px); gap: 2px; margin: 6px 0; }
  .map div { height: 18px; border-radius: 3px; border: 1px solid var(--line); background: color-mix(in oklab, var(--good) var(--share), var(--panel)); }`;

/** Samples shown of each benchmark and verdict. */
const SHOWN = 3;

/** A benchmark's problems and samples, behind the result in the same place. */
export interface Evaluated {
  readonly rows: readonly PromptRow[];
  readonly samples: readonly GradedSample[];
}

/** The page as text; needs nothing from the network. */
export function renderEvalReport(outcome: EvalOutcome, evaluated: readonly Evaluated[]): string {
  return renderDocument(
    { title: `${outcome.model}: longcot evaluation`, css: EVAL_CSS },
    html`<h1>${outcome.model}</h1>
      <p class="sub">${outcome.engine}; brackets are 95% bootstrap intervals over problems</p>
      ${outcome.results.map((result, i) => benchmarkSection(result, evaluated[i]!))} ${publishedSection(outcome)}`,
  );
}

const interval = ({ value, low, high }: Share): Markup => html`${percent(value)} <small>[${percent(low)}, ${percent(high)}]</small>`;

/** `3.1 [1.2, 5.0]`, in points. */
export const points = ({ value, low, high }: Share): string =>
  `${(100 * value).toFixed(1)} [${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`;

/** Whether the 95% interval of a difference leaves 0 out. */
export const isSignificant = ({ low, high }: Share): boolean => low > 0 || high < 0;

function benchmarkSection(result: BenchmarkResult, { rows, samples }: Evaluated): Markup {
  const { k, overall, groups, compared } = result;
  const isJudged = overall.bon_at_k !== undefined;
  return html`<h2>${result.title}</h2>
    <p class="sub">
      ${overall.problems} problems, ${k} samples each, temperature ${result.temperature}, top-p ${result.top_p}, at most
      ${result.max_new_tokens} tokens, seed ${result.seed}; prompts ${result.prompt_hash.slice(0, 12)}
    </p>
    ${table(
      ["problems", `avg@${k}`, `pass@${k}`, `cons@${k}`, ...(isJudged ? [`bon@${k}`, `weighted cons@${k}`] : []), "count"],
      [...groups, overall].map(({ group, problems, ...scores }) => [
        group,
        ...[scores.avg_at_k, scores.pass_at_k, scores.cons_at_k, scores.bon_at_k, scores.weighted_cons_at_k].flatMap((score) =>
          score === undefined ? [] : [interval(score)],
        ),
        problems,
      ]),
    )}
    ${
      overall.bon_gain === undefined
        ? html``
        : html`<p>
            The sample that the reward model scores highest is ${points(overall.bon_gain)} points better than the mean sample:
            ${isSignificant(overall.bon_gain) ? "a significant difference" : "no significant difference"}.
          </p>`
    }
    ${
      compared === undefined
        ? html``
        : html`<p>
            Against ${compared.against}: ${(100 * compared.difference).toFixed(1)} points [${(100 * compared.low).toFixed(1)},
            ${(100 * compared.high).toFixed(1)}], ${compared.significant ? "a significant difference" : "no significant difference"};
            ${compared.better} problems better, ${compared.worse} worse, ${compared.equal} equal.
          </p>`
    }
    <p class="note">
      ${result.response_length === undefined ? "" : `Responses of ${result.response_length.mean.toFixed(1)} tokens on average, ${result.response_length.max} at most; `}${percent(result.truncated)}
      cut at the cap. Outcomes:
      ${Object.entries(result.outcomes)
        .map(([name, count]) => `${name} ${count}`)
        .join(", ")}.
    </p>
    <h3>Right samples of each problem</h3>
    <div class="map" role="img" aria-label="Right samples of each problem, of ${k}">
      ${result.correct_per_problem.map(
        (right, problem) =>
          html`<div style="--share:${((100 * right) / k).toFixed(0)}%" title="problem ${problem}: ${right} of ${k}"></div>`,
      )}
    </div>
    ${sampleSection(samples, rows)}`;
}

function sampleSection(samples: readonly GradedSample[], rows: readonly PromptRow[]): Markup {
  const outcomes = [...new Set(samples.map(({ outcome }) => outcome))];
  const shown = outcomes.flatMap((outcome) => samples.filter((sample) => sample.outcome === outcome).slice(0, SHOWN));
  return html`<details>
    <summary>samples of every outcome</summary>
    <div class="samples">
      ${shown.map(
        ({ problem, sample, text, outcome, rule, extracted, length }) =>
          html`<div class="sample">
            <span class="badge ${outcome === "correct" ? "right" : "wrong"}">${outcome}</span>
            <span class="sub">problem ${problem}, sample ${sample}${length === null ? "" : `, ${length} tokens`}; decided by ${rule}</span>
            <pre>${rows[problem]!.messages.at(-1)!.content}</pre>
            <pre>${text}</pre>
            <p class="sub">expected ${rows[problem]!.groundTruth}${extracted === null ? ", no answer found" : `, read ${extracted}`}</p>
          </div>`,
      )}
    </div>
  </details>`;
}

function publishedSection({ published, model, results }: EvalOutcome): Markup {
  if (published.length === 0) return html``;
  return html`<h2>Beside published results</h2>
    ${table(
      ["model", ...results.map(({ title }) => title), "source"],
      [
        [html`<strong>${model}</strong>`, ...results.map(({ overall }) => percent(overall.avg_at_k.value)), "this evaluation"],
        ...published.map((row) => [row.model, ...results.map(({ benchmark }) => publishedScore(row.scores[benchmark])), row.source]),
      ],
    )}`;
}

const publishedScore = (score: number | null | undefined): string => (score == null ? "–" : `${score.toFixed(1)}%`);
