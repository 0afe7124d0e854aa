// What an evaluation does, decided before anything runs: whose answers, to which problems, how drawn.
import type { StepAggregation } from "@longcot/reward-model";
import { existsSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { ConfigError } from "@longcot/errors";
import type { EngineFlags } from "../cli/engine-options.ts";
import { definedOnly } from "../recipe/defined-only.ts";
import type { Recipe } from "../recipe/schema.ts";
import { checkpointName, listCheckpointSteps } from "../run/checkpoints.ts";
import { readRunRecipe } from "../run/run-folder.ts";
import { namedBenchmark, parseWindow, type BenchmarkPlan, type Window } from "./benchmarks.ts";

export interface EvalFlags extends EngineFlags {
  model?: string;
  server?: string;
  serverModel?: string;
  run?: string;
  step?: number;
  benchmark?: string[];
  k?: number;
  temperature?: number;
  topP?: number;
  maxNewTokens?: number;
  seed?: number;
  concurrency: number;
  timeout: number;
  out?: string;
  against?: string;
  window?: string;
  rewardModel?: string;
  /** How the steps that a process reward model judges become one score; absent: `min`. */
  aggregate?: StepAggregation;
}

/** How answers are drawn. */
export interface EvalSampling {
  temperature: number;
  topP: number;
  topK: number;
  /** Undefined: the paper's 32,768, or what the model's positions leave for the longest prompt. */
  maxNewTokens: number | undefined;
  seed: number;
}

export interface EvalPlan {
  answers: { kind: "model"; directory: string } | { kind: "server"; url: string; model: string };
  /** The model in front of people, and in the default folder's name. */
  name: string;
  benchmarks: BenchmarkPlan[];
  sampling: EvalSampling;
  /** Whether a bare last number counts as an answer. */
  bareAnswer: "accept" | "refuse";
  /** Of problems with a date, those that count; undefined: the protocol's. */
  window: Window | undefined;
  /** Problems per level, the first ones; undefined: all. */
  perLevel: number | undefined;
  out: string;
  /** Worth saying before it starts. */
  notices: string[];
}

/** The paper's protocol. Source: arXiv 2505.22312 §8.1. */
const PAPER = { temperature: 1, topP: 1, topK: 0, seed: 0 };
const DEFAULT_SAMPLES = 8;

/**
 * The plan of `flags`. What a flag leaves open comes, for a checkpoint of a run, from that run's recipe, so that the run's own report is
 * reproduced; else from the benchmark, else from the paper.
 * @throws ConfigError where flags are missing or contradict each other.
 */
export function planEvaluation(flags: EvalFlags): EvalPlan {
  const given = (["model", "server", "run"] as const).filter((flag) => flags[flag] !== undefined);
  if (given.length !== 1)
    throw new ConfigError({
      who: "options",
      expected: "one of --model DIR, --run DIR and --server URL",
      received: given.length === 0 ? "none" : given.map((flag) => `--${flag}`).join(" and "),
    });
  if (flags.aggregate !== undefined && flags.rewardModel === undefined)
    throw new ConfigError({ who: "--aggregate", expected: "--reward-model beside it: a process reward model", received: "none" });
  if (flags.server !== undefined) {
    if (flags.serverModel === undefined)
      throw new ConfigError({ who: "--server-model", expected: "the model's name at the server", received: "nothing" });
    const answers = { kind: "server", url: flags.server, model: flags.serverModel } as const;
    return finishPlan(flags, { answers, name: basename(flags.serverModel) });
  }
  const directory = flags.run === undefined ? flags.model! : checkpointModel(flags.run, flags.step);
  const run = runOf(directory);
  const name = run === undefined ? basename(resolve(directory)) : `${basename(run)}-${basename(dirname(resolve(directory)))}`;
  return finishPlan(flags, { answers: { kind: "model", directory }, name, ...(run === undefined ? {} : { run }) });
}

function finishPlan(flags: EvalFlags, { run, ...plan }: Pick<EvalPlan, "answers" | "name"> & { run?: string }): EvalPlan {
  const recipe = run === undefined ? undefined : readRunRecipe(run);
  const names = flags.benchmark ?? (run === undefined || recipe === undefined ? [] : heldOutFiles(run, recipe));
  if (names.length === 0) throw new ConfigError({ who: "--benchmark", expected: "a file or the name of a benchmark", received: "nothing" });
  const samples = flags.k ?? recipe?.evaluation.samples_per_prompt;
  const benchmarks = names.map((name) => {
    const benchmark = namedBenchmark(name);
    return { ...benchmark, samples: samples ?? benchmark.samples ?? DEFAULT_SAMPLES };
  });
  const fromRun =
    recipe === undefined
      ? {}
      : {
          temperature: recipe.evaluation.temperature,
          topP: recipe.rollout.top_p,
          topK: recipe.rollout.top_k,
          maxNewTokens: Math.max(...recipe.stages.map((stage) => stage.context_length)),
          seed: recipe.seed,
        };
  const asked = { temperature: flags.temperature, topP: flags.topP, maxNewTokens: flags.maxNewTokens, seed: flags.seed };
  const sampling: EvalSampling = { ...PAPER, maxNewTokens: undefined, ...fromRun, ...definedOnly(asked) };
  return {
    ...plan,
    benchmarks,
    sampling,
    window: flags.window === undefined ? undefined : parseWindow(flags.window),
    bareAnswer: recipe === undefined ? "accept" : "refuse",
    perLevel: flags.benchmark === undefined ? recipe?.evaluation.prompts_per_level : undefined,
    out: flags.out ?? join("evals", `${plan.name}-${benchmarks.map(({ name }) => name).join("-")}`),
    notices:
      run === undefined
        ? []
        : [`the model is a checkpoint of ${run}: seed, temperature, cap and samples are its recipe's where no flag says otherwise`],
  };
}

/** The held-out problems that a run evaluates on. */
function heldOutFiles(run: string, recipe: Recipe): string[] {
  const generated = join(run, "data", "heldout.parquet");
  if (recipe.data.generate !== undefined) return [generated];
  return [recipe.data.validation ?? []].flat();
}

/** The model of the checkpoint of `step`, or of the newest one. */
export function checkpointModel(run: string, step?: number): string {
  const root = join(run, "checkpoints");
  const steps = listCheckpointSteps(root);
  const wanted = step === undefined ? steps.at(-1) : steps.find((one) => one === step);
  if (wanted !== undefined) return join(root, checkpointName(wanted), "model");
  throw new ConfigError({
    who: step === undefined ? "--run" : "--step",
    expected: step === undefined ? "a run with checkpoints" : `one of ${steps.join(", ") || "none"}`,
    received: step === undefined ? run : String(step),
  });
}

/** The run that the model in `directory` is a checkpoint of: `RUN/checkpoints/step-N/model`. */
function runOf(directory: string): string | undefined {
  const checkpoints = dirname(dirname(resolve(directory)));
  const run = dirname(checkpoints);
  return basename(checkpoints) === "checkpoints" && existsSync(join(run, "recipe.yaml")) ? run : undefined;
}
