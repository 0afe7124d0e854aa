// The three ways to watch a study: a redrawn panel on a terminal, a line per finished run in a log, JSON lines for machines.
import { styleText } from "node:util";
import { createLogUpdate } from "log-update";
import { bar, duration, percent, sparkline } from "../progress/figures.ts";
import type { EmitStudyEvent, StudyEvent } from "./study-events.ts";
import { runKey } from "./study-folder.ts";

export interface StudyProgress {
  emit: EmitStudyEvent;
  /** Stops timers and leaves the terminal as it should be. */
  close: () => void;
}

interface RunState {
  name: string;
  step: number;
  totalSteps: number;
  entropies: number[];
  reward: number | undefined;
  since: number;
}

interface State {
  study: Extract<StudyEvent, { type: "study" }> | undefined;
  running: Map<string, RunState>;
  finished: number;
  /** Seconds of each finished cell. */
  durations: number[];
}

const REDRAW_MS = 200;
/** Seconds without any line after which a log gets one about the runs that go on. */
const QUIET_SECONDS = 30;
const SPARK_WIDTH = 24;

/** Progress on `stream`. Times come from `clock`, in seconds. */
export function createStudyProgress(
  kind: "panel" | "lines" | "json",
  stream: NodeJS.WriteStream,
  clock: () => number = () => performance.now() / 1000,
): StudyProgress {
  if (kind === "json") return { emit: (event) => stream.write(`${JSON.stringify(event)}\n`), close: () => {} };
  const state: State = { study: undefined, running: new Map(), finished: 0, durations: [] };
  const log = kind === "panel" ? createLogUpdate(stream) : undefined;
  const redraw = () =>
    log?.(
      panelLines(state, clock())
        .map((line) => line.slice(0, stream.columns ?? 100))
        .join("\n"),
    );
  const timer = log === undefined ? undefined : setInterval(redraw, REDRAW_MS);
  timer?.unref();
  let lastLine = clock();
  const write = (lines: readonly string[]) => {
    if (lines.length === 0) return;
    log?.clear();
    stream.write(`${lines.join("\n")}\n`);
    lastLine = clock();
    redraw();
  };
  return {
    emit(event) {
      const lines = permanentLines(event, state, clock(), log !== undefined);
      fold(state, event, clock());
      if (event.type === "done") {
        clearInterval(timer);
        log?.clear();
        log?.done();
        stream.write(`${lines.join("\n")}\n`);
      } else write(lines);
      if (log === undefined && event.type === "run_step" && clock() - lastLine >= QUIET_SECONDS)
        write([...state.running.values()].map((run) => `  ${runLine(run, clock())}`));
    },
    close() {
      clearInterval(timer);
      log?.done();
    },
  };
}

function fold(state: State, event: StudyEvent, now: number): void {
  switch (event.type) {
    case "study":
      state.study = event;
      state.finished = event.finished;
      return;
    case "run_started":
      state.running.set(runKey(event), {
        name: `${event.cell}, seed ${event.seed}`,
        step: 0,
        totalSteps: 0,
        entropies: [],
        reward: undefined,
        since: now,
      });
      return;
    case "run_step": {
      const run = state.running.get(runKey(event));
      if (run === undefined) return;
      run.step = event.step;
      run.totalSteps = event.total_steps;
      run.reward = event.reward;
      run.entropies.push(event.entropy);
      return;
    }
    case "run_ended":
      state.running.delete(runKey(event));
      if (event.entropies.length > 0 && event.status !== "interrupted") {
        state.finished++;
        state.durations.push(event.seconds);
      }
      return;
    case "notice":
    case "warning":
    case "done":
      return;
  }
}

function permanentLines(event: StudyEvent, state: State, now: number, styled: boolean): string[] {
  const paint = (style: "bold" | "yellow" | "green" | "red", text: string) => (styled ? styleText(style, text) : text);
  switch (event.type) {
    case "study":
      return [
        `longcot study ${paint("bold", event.name)}: ${event.cells} cells × ${event.seeds} seeds = ${event.runs} runs, ${event.jobs} at a time, into ${event.folder}${event.finished > 0 ? `; ${event.finished} are done` : ""}`,
      ];
    case "run_ended": {
      if (event.status === "interrupted") return [];
      const name = `${event.cell}, seed ${event.seed}`.padEnd(34);
      if (event.status === "failed") return [paint("red", `${name} failed: ${event.error ?? "without a word"}`)];
      if (event.entropies.length === 0) return [`${name} ${duration(event.seconds)}`];
      const [first, last] = [event.entropies[0]!, event.entropies.at(-1)!];
      const scores = event.scores.length > 1 ? `  score ${percent(event.scores[0]!)} → ${percent(event.scores.at(-1)!)}` : "";
      const left = secondsLeft(state, 1);
      return [
        `[${state.finished + 1}/${state.study?.runs ?? "?"}] ${name} ${duration(event.seconds)}  entropy ${sparkline(thinned(event.entropies), SPARK_WIDTH)} ${first.toFixed(3)} → ${last.toFixed(3)} nats${scores}${left === undefined ? "" : `  ETA ${duration(left)}`}`,
      ];
    }
    case "notice":
      return [`note: ${event.text}`];
    case "warning":
      return [paint("yellow", `warning: ${event.text}`)];
    case "done":
      return [
        event.status === "completed"
          ? paint("green", "done")
          : event.status === "failed"
            ? paint("red", "some runs failed; longcot study --resume tries them again")
            : `not all runs are done; go on with: longcot study --resume --run ${event.folder}`,
        `report: ${event.report}`,
      ];
    case "run_started":
    case "run_step":
      return [];
  }
}

function panelLines(state: State, now: number): string[] {
  const { study } = state;
  if (study === undefined) return [];
  const left = secondsLeft(state, 0);
  const share = state.finished / study.runs;
  return [
    `${styleText("cyan", bar(share, 28))}  run ${state.finished}/${study.runs}  ${percent(share, 0)}   ETA ${left === undefined ? "-" : duration(left)}`,
    ...[...state.running.values()].map((run) => runLine(run, now)),
  ];
}

function runLine({ name, step, totalSteps, entropies, reward, since }: RunState, now: number): string {
  const where = totalSteps === 0 ? "starting" : `step ${step}/${totalSteps}`;
  const entropy = entropies.length === 0 ? "" : `entropy ${sparkline(thinned(entropies), SPARK_WIDTH)} ${entropies.at(-1)!.toFixed(3)}`;
  return `${name.padEnd(34)} ${where.padEnd(12)} ${duration(now - since)}  ${entropy}${reward === undefined ? "" : `  reward ${reward.toFixed(2)}`}`;
}

/** Seconds until all runs are done, by the mean of those done; `ahead` runs are done beyond the state. */
function secondsLeft({ study, finished, durations }: State, ahead: number): number | undefined {
  if (study === undefined || durations.length === 0) return undefined;
  const mean = durations.reduce((sum, value) => sum + value, 0) / durations.length;
  return Math.max(0, ((study.runs - finished - ahead) * mean) / study.jobs);
}

/** At most {@link SPARK_WIDTH} means of equal stretches: the whole curve in one line. */
function thinned(values: readonly number[]): number[] {
  if (values.length <= SPARK_WIDTH) return [...values];
  return Array.from({ length: SPARK_WIDTH }, (_, i) => {
    const part = values.slice(Math.floor((i * values.length) / SPARK_WIDTH), Math.floor(((i + 1) * values.length) / SPARK_WIDTH));
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
}
