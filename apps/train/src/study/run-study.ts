// A whole study: cold starts, then every cell under every seed, in as many processes as fit, until done, stopped or out of budget.
import { ConfigError } from "@longcot/errors";
import type { TrainEvent } from "../events.ts";
import { coldStartKey, coldStartModel, coldStartRecipe, startFrom } from "./cold-starts.ts";
import { runChild } from "./child-run.ts";
import type { ChildRun } from "./child-run.ts";
import { chooseJobs } from "./machine-size.ts";
import type { Study } from "./load-study.ts";
import type { EmitStudyEvent, RunName } from "./study-events.ts";
import { cellFolder, coldStartFolder, readOutcomes, runKey } from "./study-folder.ts";
import type { StudyFolder } from "./study-folder.ts";

export interface StudyJob {
  study: Study;
  folder: StudyFolder;
  /** Processes at once; absent: the recipe's, or as many as fit the machine. */
  jobs?: number;
  /** Aborted by Ctrl-C: running cells save and end. */
  signal: AbortSignal;
  emit: EmitStudyEvent;
}

export type StudyStatus = "completed" | "interrupted" | "out_of_budget" | "failed";

/** One process to be run; it waits for its `after`. */
interface Task {
  run: RunName;
  recipe: ChildRun["recipe"];
  folder: string;
  after?: Task;
  isColdStart: boolean;
  state: "waiting" | "running" | "finished" | "failed";
}

/** Runs what is left of the study. Cells that failed are tried again. */
export async function runStudy({ study, folder, signal, emit, ...options }: StudyJob): Promise<StudyStatus> {
  const { recipe, cells } = study;
  const jobs = options.jobs ?? recipe.jobs ?? chooseJobs(cells.map((cell) => cell.recipe.engine.threads));
  const tasks = planTasks(study, folder.path);
  const cellTasks = tasks.filter(({ isColdStart }) => !isColdStart);
  emit({
    type: "study",
    name: recipe.name,
    folder: folder.path,
    cells: new Set(cells.map(({ name }) => name)).size,
    seeds: recipe.seeds.length,
    runs: cellTasks.length,
    finished: cellTasks.filter(({ state }) => state === "finished").length,
    jobs,
  });

  const deadline = recipe.budget_minutes === undefined ? Infinity : performance.now() + recipe.budget_minutes * 60_000;
  const stopping = new AbortController();
  const abort = () => stopping.abort();
  signal.addEventListener("abort", abort);
  if (signal.aborted) abort();
  const timer = Number.isFinite(deadline) ? setTimeout(abort, deadline - performance.now()) : undefined;
  const durations: number[] = [];
  const running = new Set<Promise<void>>();
  let isOutOfBudget = false;
  try {
    for (;;) {
      const next = running.size < jobs && !stopping.signal.aborted && !isOutOfBudget ? readyTask(tasks) : undefined;
      if (next !== undefined) {
        if (performance.now() + 1000 * median(durations) > deadline) {
          isOutOfBudget = true;
          emit({
            type: "warning",
            text: `out of budget: ${cellTasks.filter(({ state }) => state === "waiting").length} runs not begun; --resume goes on with them`,
          });
          continue;
        }
        const done: Promise<void> = runTask(next).finally(() => running.delete(done));
        running.add(done);
      } else if (running.size > 0) await Promise.race(running);
      else break;
    }
  } finally {
    if (timer !== undefined) clearTimeout(timer);
    signal.removeEventListener("abort", abort);
    await Promise.allSettled(running);
  }
  if (signal.aborted) return "interrupted";
  if (isOutOfBudget || stopping.signal.aborted) return "out_of_budget";
  return tasks.every(({ state }) => state === "finished") ? "completed" : "failed";

  async function runTask(task: Task): Promise<void> {
    task.state = "running";
    emit({ type: "run_started", ...task.run });
    const started = performance.now();
    const seen = { entropies: [] as number[], scores: [] as number[] };
    const outcome = await runChild({
      recipe: task.recipe,
      folder: task.folder,
      signal: stopping.signal,
      onEvent: (event) => listen(task, event, seen),
    });
    const seconds = (performance.now() - started) / 1000;
    const isFinished = outcome.status === "completed" || outcome.status === "stopped";
    task.state = isFinished ? "finished" : outcome.status === "failed" ? "failed" : "waiting";
    if (isFinished && !task.isColdStart) durations.push(seconds);
    if (outcome.status !== "interrupted") folder.appendOutcome({ ...task.run, ...outcome, seconds });
    emit({ type: "run_ended", ...task.run, ...outcome, seconds, ...seen });
  }

  function listen({ run }: Task, event: TrainEvent, seen: { entropies: number[]; scores: number[] }): void {
    if (event.type === "step") {
      const entropy = event.metrics["entropy/all"]!;
      seen.entropies.push(entropy);
      emit({
        type: "run_step",
        ...run,
        step: event.step,
        total_steps: event.total_steps,
        entropy,
        reward: event.metrics["critic/score/mean"]!,
      });
    } else if (event.type === "evaluation") {
      const all = event.results.find((result) => result.level === "all");
      if (all !== undefined) seen.scores.push(all.avg_at_k);
    } else if (event.type === "warning" && event.text.startsWith("entropy "))
      emit({ type: "warning", text: `${run.cell}, seed ${run.seed}: ${event.text}` });
  }
}

/** Every run of the study behind the cold start that it begins from; what has finished before is marked so. */
function planTasks({ recipe, cells }: Study, path: string): Task[] {
  const outcomes = readOutcomes(path);
  const isFinished = (run: RunName) => ["completed", "stopped"].includes(outcomes.get(runKey(run))?.status ?? "");
  const tasks: Task[] = [];
  const coldStarts = new Map<string, Task>();
  for (const cell of cells) {
    const run = { cell: cell.name, seed: cell.seed };
    const key = recipe.share_cold_start ? coldStartKey(cell.recipe) : undefined;
    let after = key === undefined ? undefined : coldStarts.get(key);
    if (key !== undefined && after === undefined) {
      const maker = { cell: `cold start ${key}`, seed: cell.seed };
      after = {
        run: maker,
        recipe: coldStartRecipe(cell.recipe, `${recipe.name}-cold-start`),
        folder: coldStartFolder(path, key),
        isColdStart: true,
        state: isFinished(maker) ? "finished" : "waiting",
      };
      coldStarts.set(key, after);
      tasks.push(after);
    }
    tasks.push({
      run,
      recipe: after === undefined ? cell.recipe : startFrom(cell.recipe, coldStartModel(after.folder)),
      folder: cellFolder(path, run),
      ...(after === undefined ? {} : { after }),
      isColdStart: false,
      state: isFinished(run) ? "finished" : "waiting",
    });
  }
  // A cold start that nobody waits for any more is not made again.
  for (const task of coldStarts.values())
    if (tasks.every((other) => other.after !== task || other.state === "finished")) task.state = "finished";
  return tasks;
}

/** The first task that can begin. A cell whose cold start failed is failed with it. */
function readyTask(tasks: readonly Task[]): Task | undefined {
  for (const task of tasks) if (task.state === "waiting" && task.after?.state === "failed") task.state = "failed";
  return tasks.find(({ state, after }) => state === "waiting" && (after === undefined || after.state === "finished"));
}

function median(values: readonly number[]): number {
  if (values.length === 0) return 0;
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

/** @throws ConfigError if the study that is gone on with is not the one asked for. */
export function checkSameStudy(path: string, saved: Study, asked: Study): void {
  const differs = JSON.stringify(saved.cells) !== JSON.stringify(asked.cells);
  if (differs)
    throw new ConfigError({
      who: "--resume",
      expected: `the study of ${path}`,
      received: "another",
      fix: "Leave out --recipe and --set, or start a new study",
    });
}
