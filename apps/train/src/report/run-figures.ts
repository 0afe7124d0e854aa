// Which figures the report holds, each made from the run's metrics; a figure whose metric the run lacks is left out.
import { targetAt } from "@longcot/entropy-dynamics";
import type { Metrics } from "../events.ts";
import { namedComponents } from "../recipe/reward-schema.ts";
import type { Recipe } from "../recipe/schema.ts";
import type { EvaluationRecord } from "../run/records.ts";
import { intervalPlot, levelName, linePlot } from "./plots.ts";
import type { Point, StageStart } from "./plots.ts";

export interface Figure {
  id: string;
  title: string;
  /** One sentence: what it is and over what it is averaged. */
  caption: string;
  legend: { name: string; color: string }[];
  svg: string;
}

export interface FigureLine {
  metric: string;
  name: string;
  isExact?: boolean;
}

/** A figure by the metrics that it shows. */
export interface FigureSpec {
  id: string;
  title: string;
  caption: string;
  unit: string;
  lines: FigureLine[];
  isShare?: boolean;
  domain?: [number, number];
}

const SPECS: FigureSpec[] = [
  {
    id: "reward",
    title: "Reward",
    caption: "Mean over all responses of the step, before rejection.",
    unit: "reward",
    lines: [{ metric: "critic/score/mean", name: "reward" }],
    domain: [0, 1],
  },
  {
    id: "entropy",
    title: "Entropy",
    caption: "Mean negative log-probability of the sampled tokens of kept groups.",
    unit: "nats per token",
    lines: [{ metric: "actor/entropy", name: "entropy" }],
  },
  {
    id: "length",
    title: "Response length",
    caption: "Over all responses of the step.",
    unit: "tokens",
    lines: [
      { metric: "response_length/mean", name: "mean" },
      { metric: "response_length/max", name: "longest", isExact: true },
    ],
  },
  {
    id: "alpha",
    title: "Entropy coefficient α",
    caption: "What the controller applied in the step's loss.",
    unit: "α",
    lines: [{ metric: "actor/entropy_coeff_realized", name: "α", isExact: true }],
  },
  {
    id: "clipfrac",
    title: "Clipped tokens",
    caption: "Share of tokens whose ratio was clipped.",
    unit: "% of tokens",
    lines: [{ metric: "actor/pg_clipfrac", name: "clipped" }],
    isShare: true,
  },
  {
    id: "truncated",
    title: "Truncated responses",
    caption: "Share of responses that reached the context cap.",
    unit: "% of responses",
    lines: [{ metric: "response_length/clip_ratio", name: "truncated" }],
    isShare: true,
  },
  {
    id: "groups",
    title: "Groups",
    caption: "Groups of one prompt's responses: kept, or rejected since all were wrong or all right.",
    unit: "groups",
    lines: [
      { metric: "batch/kept_groups", name: "kept" },
      { metric: "batch/solve_none", name: "all wrong" },
      { metric: "batch/solve_all", name: "all right" },
    ],
  },
  {
    id: "grad-norm",
    title: "Gradient norm",
    caption: "Global norm before clipping.",
    unit: "L2 norm",
    lines: [{ metric: "actor/grad_norm", name: "gradient norm" }],
  },
];

type EntropyTarget = Parameters<typeof targetAt>[0];

const COLORS = ["var(--series-1)", "var(--series-2)", "var(--series-3)", "var(--series-4)", "var(--series-5)", "var(--series-6)"];

/** Figures over steps; those of the reward's components where there are several behind the reward itself. */
export function stepFigures(metrics: readonly Metrics[], recipe: Recipe): Figure[] {
  const stages = stageStarts(metrics, recipe);
  const [reward, ...others] = SPECS;
  return [reward!, ...rewardSpecs(recipe), ...others].flatMap((spec) =>
    metricFigure(spec, metrics, {
      stages,
      target: spec.id === "entropy" && "target" in recipe.entropy ? recipe.entropy.target : undefined,
    }),
  );
}

/** The figure of `spec`, with its target as a dashed line or a curve; nothing where the run has none of its metrics. */
export function metricFigure(
  spec: FigureSpec,
  metrics: readonly Metrics[],
  { stages, target }: { stages: readonly StageStart[]; target?: EntropyTarget | undefined },
): Figure[] {
  const series = spec.lines
    .map(({ metric, name, isExact = false }, i) => ({
      name,
      isExact,
      color: COLORS[i % COLORS.length]!,
      points: pointsOf(metrics, metric),
    }))
    .filter((one) => one.points.length > 0);
  if (series.length === 0) return [];
  const reference = typeof target === "number" ? { reference: { value: target, name: "target" } } : {};
  if (typeof target === "object") {
    const points = series[0]!.points.map(({ step }, k) => ({ step, value: targetAt(target, k) }));
    series.push({ name: "target", isExact: true, color: "var(--muted)", points });
  }
  const { id, title, caption, unit, isShare = false, domain } = spec;
  const fits = domain !== undefined && series.every(({ points }) => points.every(({ value }) => isWithin(domain, value)));
  const svg = linePlot({ series, stages, unit, isShare, ...(fits ? { domain } : {}), ...reference });
  return [{ id, title, caption, svg, legend: series.length > 1 ? series.map(({ name, color }) => ({ name, color })) : [] }];
}

const isWithin = ([low, high]: readonly [number, number], value: number): boolean => low <= value && value <= high;

/** What each component adds to the reward, and each one's own values; none where the verifier is the only one. */
function rewardSpecs({ stages }: Recipe): FigureSpec[] {
  const names = [...new Set(stages.flatMap(({ rewards }) => namedComponents(rewards).map(([name]) => name)))];
  if (names.length === 1 && names[0] === "verifier") return [];
  const title = (name: string): string => name.replaceAll("_", " ");
  return [
    {
      id: "reward-contributions",
      title: "Components of the reward",
      caption: "What each adds to the mean reward: weight times its value, normalised and clipped.",
      unit: "reward",
      lines: names.map((name) => ({ metric: `reward/${name}/contribution`, name: title(name) })),
    },
    ...names.map((name): FigureSpec => ({
      id: `reward-${name.replaceAll("_", "-")}`,
      title: `Reward component: ${title(name)}`,
      caption: "Mean over all responses of the step, before normalisation, clip and weight.",
      unit: title(name),
      lines: [{ metric: `reward/${name}/mean`, name: title(name) }],
    })),
  ];
}

/** Accuracy per level over evaluations. */
export function evaluationFigures(evaluations: readonly EvaluationRecord[], stages: readonly StageStart[]): Figure[] {
  const last = evaluations.at(-1);
  if (last === undefined) return [];
  const levels = last.results.map((result) => result.level);
  const k = last.samples_per_prompt;
  return (["avg_at_k", "pass_at_k"] as const).map((measure) => {
    const series = levels.map((level, i) => ({
      name: levelName(level),
      color: COLORS[i % COLORS.length]!,
      points: evaluations.flatMap((evaluation) =>
        evaluation.results
          .filter((result) => result.level === level)
          .map((result) => ({
            step: evaluation.step,
            value: result[measure],
            low: result[`${measure}_low`],
            high: result[`${measure}_high`],
          })),
      ),
    }));
    const name = measure === "avg_at_k" ? `avg@${k}` : `pass@${k}`;
    const caption =
      measure === "avg_at_k"
        ? `Mean share of right answers, ${k} samples a held-out problem; bars are 95% intervals.`
        : `Share of held-out problems that one of ${k} samples solves; bars are 95% intervals.`;
    return {
      id: measure.replaceAll("_", "-"),
      title: `${name} by level`,
      caption,
      svg: intervalPlot(series, stages, measure === "avg_at_k" ? "% of answers" : "% of problems"),
      legend: series.map(({ name: level, color }) => ({ name: level, color })),
    };
  });
}

/** The first step of each stage, by the `training/stage` metric (1 for the first stage). */
export function stageStarts(metrics: readonly Metrics[], recipe: Recipe): StageStart[] {
  const starts: StageStart[] = [];
  let current: number | undefined;
  for (const line of metrics) {
    const stage = line["training/stage"];
    const step = line["training/global_step"];
    if (stage === undefined || step === undefined || stage === current) continue;
    current = stage;
    starts.push({ step, name: recipe.stages[stage - 1]?.name ?? `stage ${stage}` });
  }
  return starts;
}

/** The values of one metric over steps; steps without it are left out. */
export function pointsOf(metrics: readonly Metrics[], name: string): Point[] {
  return metrics.flatMap((line) => {
    const step = line["training/global_step"];
    const value = line[name];
    return step === undefined || value === undefined ? [] : [{ step, value }];
  });
}
