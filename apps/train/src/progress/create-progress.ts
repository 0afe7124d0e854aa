// The three ways to watch a run: a redrawn panel on a terminal, lines in a log, JSON lines for machines.
import { styleText } from "node:util";
import { createLogUpdate } from "log-update";
import type { EmitEvent, TrainEvent } from "../events.ts";
import { compactCount, evaluationLines } from "./figures.ts";
import { memoryPlanLine } from "./memory-plan-lines.ts";
import { phaseProgressLine, stepLine } from "./lines.ts";
import { renderPanel } from "./panel.ts";
import { emptyState, foldEvent } from "./progress-state.ts";
import type { ProgressState } from "./progress-state.ts";

export interface Progress {
  emit: EmitEvent;
  /** Stops timers and leaves the terminal as it should be. */
  close: () => void;
}

/** Milliseconds between redraws: the heartbeat that shows that nothing hangs. */
const REDRAW_MS = 120;
/** Seconds between lines of one phase in a log. */
const PHASE_LINE_SECONDS = 5;

/** Progress on `stream`. Times come from `clock`, in seconds. */
export function createProgress(
  kind: "panel" | "lines" | "json",
  stream: NodeJS.WriteStream,
  clock: () => number = () => performance.now() / 1000,
): Progress {
  switch (kind) {
    case "json":
      return { emit: (event) => stream.write(`${JSON.stringify(event)}\n`), close: () => {} };
    case "lines":
      return lineProgress(stream, clock);
    case "panel":
      return panelProgress(stream, clock);
  }
}

function lineProgress(stream: NodeJS.WriteStream, clock: () => number): Progress {
  const state = emptyState();
  let lastLine = clock();
  const write = (line: string) => {
    stream.write(`${line}\n`);
    lastLine = clock();
  };
  const emit: EmitEvent = (event) => {
    const changedPhase = event.type === "phase" && event.phase !== state.phase?.phase;
    foldEvent(state, event, clock());
    if (event.type === "step") write(stepLine(event, state));
    else if (event.type === "phase") {
      const isColdStartEnd = event.phase === "cold_start" && event.completed === event.total;
      if (isColdStartEnd || (!changedPhase && clock() - lastLine >= PHASE_LINE_SECONDS)) write(phaseProgressLine(event));
    } else for (const line of permanentLines(event, state, false)) write(line);
  };
  return { emit, close: () => {} };
}

function panelProgress(stream: NodeJS.WriteStream, clock: () => number): Progress {
  const state = emptyState();
  const log = createLogUpdate(stream);
  const redraw = () => log(renderPanel(state, clock(), stream.columns ?? 80).join("\n"));
  const timer = setInterval(redraw, REDRAW_MS);
  timer.unref();
  let isDone = false;
  const emit: EmitEvent = (event) => {
    if (event.type === "done") {
      redraw();
      log.done();
      isDone = true;
      clearInterval(timer);
    }
    const lines = permanentLines(event, state, true);
    foldEvent(state, event, clock());
    if (lines.length === 0) return;
    if (!isDone) log.clear();
    stream.write(`${lines.join("\n")}\n`);
    if (!isDone) redraw();
  };
  return {
    emit,
    close: () => {
      clearInterval(timer);
      if (!isDone) log.done();
    },
  };
}

/** Lines that stay on the screen when the panel moves on. */
function permanentLines(event: TrainEvent, state: ProgressState, styled: boolean): string[] {
  const paint = (style: "bold" | "yellow" | "green", text: string) => (styled ? styleText(style, text) : text);
  switch (event.type) {
    case "run":
      return [
        `longcot train ${paint("bold", event.recipe)}: ${compactCount(event.parameters)} parameters on ${event.engine} (${event.device}), into ${event.folder}${event.resumed_from > 0 ? `, going on after step ${event.resumed_from}` : ""}`,
      ];
    case "memory_plan":
      return [memoryPlanLine(event)];
    case "stage":
      return [
        paint("bold", `stage ${event.index}/${event.count}: ${event.name}, ${event.steps} steps on ${event.prompts} prompts`) +
          (event.dropped === undefined ? "" : `; the online filter dropped ${event.dropped} that were solved before`),
      ];
    case "evaluation":
      return evaluationLines(event);
    case "notice":
      return [`note: ${event.text}`];
    case "warning":
      return [paint("yellow", `warning: ${event.text}`)];
    case "done": {
      const status =
        event.status === "completed"
          ? "done"
          : event.status === "stopped"
            ? `stopped by an alarm after step ${state.step?.step ?? 0}`
            : `stopped after step ${state.step?.step ?? 0}; go on with: longcot train --resume --run ${event.folder}`;
      const filtered = (event.online_filter ?? []).map(
        ({ stage, prompts, dropped }) => `online filter: ${dropped} of ${prompts + dropped} prompts dropped before stage ${stage}`,
      );
      return [paint("green", status), ...filtered, `report: ${event.report}`];
    }
    case "phase":
    case "step":
      return [];
  }
}
