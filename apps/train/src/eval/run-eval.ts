// An evaluation, top to bottom: problems, answers, verdicts, figures with intervals, files.
import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { atomicWrite } from "@longcot/durable-files";
import { gradeMath, createVerifierPool } from "@longcot/verifiers";
import { openAnswerSource, type AnswerSource } from "./answer-source.ts";
import type { BenchmarkPlan } from "./benchmarks.ts";
import { compareWith } from "./compare-results.ts";
import type { BenchmarkResult, EvalOutcome } from "./eval-outcome.ts";
import type { EvalFlags, EvalPlan } from "./eval-plan.ts";
import { loadBenchmark, type BenchmarkProblems } from "./load-benchmark.ts";
import { renderEvalReport, type Evaluated } from "./eval-report.ts";
import { summarizeSamples } from "./eval-figures.ts";
import { publishedTable } from "./published.ts";
import { openSampleLog, type GradedSample, type SampleLog } from "./sample-log.ts";
import { openSampleScorer, type SampleScorer } from "./sample-scorer.ts";
import { writeSamplesParquet } from "./samples-parquet.ts";

export interface EvalJob {
  plan: EvalPlan;
  flags: EvalFlags;
  signal: AbortSignal;
  onProgress: (progress: { phase: string; done: number; total: number }) => void;
}

/** Evaluates on every benchmark of the plan and writes results.json, samples of each as parquet, and report.html. */
export async function runEval({ plan, flags, signal, onProgress }: EvalJob): Promise<EvalOutcome> {
  const loaded = [];
  for (const benchmark of plan.benchmarks)
    loaded.push({ benchmark, ...(await loadBenchmark(benchmark, { perLevel: plan.perLevel, window: plan.window })) });
  mkdirSync(plan.out, { recursive: true });
  const source = await openAnswerSource(
    plan,
    loaded.flatMap(({ rows }) => rows),
    flags,
    join(plan.out, "answers.jsonl"),
  );
  let scorer: SampleScorer | undefined;
  try {
    scorer = flags.rewardModel === undefined ? undefined : await openSampleScorer(flags.rewardModel, flags);
    const results: BenchmarkResult[] = [];
    const evaluated: Evaluated[] = [];
    for (const { benchmark, files, rows, indices } of loaded) {
      const settings = {
        samples_per_problem: benchmark.samples!,
        temperature: plan.sampling.temperature,
        top_p: plan.sampling.topP,
        max_new_tokens: source.maxNewTokens,
        seed: plan.sampling.seed,
        prompt_hash: createHash("sha256")
          .update(JSON.stringify(rows.map(({ messages }) => messages)))
          .digest("hex"),
      };
      const log = openSampleLog(join(plan.out, `${benchmark.name}.samples.jsonl`), { model: plan.name, ...settings });
      try {
        await answerAll(source, { rows, indices }, log, { plan, benchmark, signal, onProgress });
      } finally {
        log.close();
      }
      const samples = log.samples.toSorted((a, b) => a.problem - b.problem || a.sample - b.sample);
      const scores = await scorer?.score(rows, samples, {
        signal,
        onProgress: ({ done, total }) => onProgress({ phase: `${benchmark.title}: reward model`, done, total }),
      });
      await writeSamplesParquet(join(plan.out, `${benchmark.name}.parquet`), rows, samples, scores);
      const figures = summarizeSamples(rows, samples, { isSame: sameAnswer, seed: plan.sampling.seed, scores });
      const compared =
        flags.against === undefined || flags.against === "published"
          ? undefined
          : compareWith(flags.against, benchmark.name, rows, samples);
      evaluated.push({ rows, samples });
      results.push({
        benchmark: benchmark.name,
        title: benchmark.title,
        file: files.join(", "),
        ...settings,
        ...figures,
        ...(compared === undefined ? {} : { compared }),
      });
    }
    const outcome: EvalOutcome = {
      model: plan.name,
      engine: source.description,
      ...(flags.rewardModel === undefined ? {} : { reward_model: flags.rewardModel }),
      folder: plan.out,
      results,
      published: flags.against === "published" ? publishedTable(results.map(({ benchmark }) => benchmark)) : [],
    };
    atomicWrite(join(plan.out, "results.json"), `${JSON.stringify(outcome, undefined, 2)}\n`);
    atomicWrite(join(plan.out, "report.html"), renderEvalReport(outcome, evaluated));
    return outcome;
  } finally {
    await scorer?.close();
    await source.close();
  }
}

interface AnswerContext {
  plan: EvalPlan;
  benchmark: BenchmarkPlan;
  signal: AbortSignal;
  onProgress: EvalJob["onProgress"];
}

/** Asks and grades every problem that the log does not hold whole, in chunks; each chunk is on disk before the next one starts. */
async function answerAll(
  source: AnswerSource,
  { rows, indices }: Pick<BenchmarkProblems, "rows" | "indices">,
  log: SampleLog,
  context: AnswerContext,
): Promise<void> {
  const { plan, benchmark, signal, onProgress } = context;
  const samples = benchmark.samples!;
  const answered = new Set(log.samples.map(({ problem }) => problem));
  const open = rows.map((row, problem) => ({ problem, row, index: indices[problem]! })).filter(({ problem }) => !answered.has(problem));
  await using pool = createVerifierPool({
    math: { thinking: source.thinking, bareAnswer: plan.bareAnswer },
    code: { thinking: source.thinking },
  });
  const chunk = source.chunk(samples);
  for (let start = 0; start < open.length; start += chunk) {
    signal.throwIfAborted();
    const problems = open.slice(start, start + chunk);
    const done = (answered.size + start) * samples;
    const answers = await source.answer(problems, samples, {
      signal,
      onProgress: (finished) => onProgress({ phase: benchmark.title, done: done + finished, total: rows.length * samples }),
    });
    const verdicts = await pool.grade(
      answers.map(({ text, truncated }, i) => {
        const { ability, groundTruth, dataSource, messages, extraInfo } = problems[Math.floor(i / samples)]!.row;
        return { id: String(i), ability, response: text, groundTruth, truncated, dataSource, prompt: messages, extraInfo };
      }),
      { signal },
    );
    log.append(
      verdicts.map(({ outcome, rule, extracted = null }, i): GradedSample => ({
        problem: problems[Math.floor(i / samples)]!.problem,
        sample: i % samples,
        text: answers[i]!.text,
        length: answers[i]!.length ?? null,
        truncated: answers[i]!.truncated,
        outcome,
        rule,
        extracted,
      })),
    );
  }
}

/** The verifier's equality of two answers as extracted. */
function sameAnswer(a: string, b: string): boolean {
  return gradeMath({ response: `\\boxed{${a}}`, groundTruth: [b] }, { thinking: "closed-if-opened" }).score === 1;
}
