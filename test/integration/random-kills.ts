// A run of tiny.yaml that is killed again and again at moments that a seed draws: before or after a rename, or some milliseconds after any
// event of an unbroken run. What one process wrote, the next goes on from.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { keyedUniform } from "@longcot/tensor-kernels";
import { eventsOf, startLongcot, TINY_RECIPE } from "./longcot-process.ts";
import type { Finished } from "./longcot-process.ts";
import { isSameMoment, momentsOf } from "./moment.ts";

export interface Killed {
  /** Where it was to be killed, in words. */
  plan: string;
  /** How it ended: a late signal may miss, and then the process goes on to its end. */
  end: Finished;
}

/** Starts `run`, or resumes it where it has begun. */
export function go(run: string, options: Parameters<typeof startLongcot>[1] = {}, extra: readonly string[] = []): Promise<Finished> {
  const how = existsSync(join(run, "recipe.yaml")) ? ["--resume"] : ["--recipe", TINY_RECIPE];
  return startLongcot(["train", ...how, "--run", run, "--json", ...extra], options).done;
}

/**
 * The `kill`th kill of `run` by `seed`. Draws renames up to `mostRenames`, and events from the phases of `unbroken` (the events of a whole run)
 * that begin at the share `from` and end at `to`: a phase is as likely as another, however many events it has.
 */
export async function killOnce(
  run: string,
  unbroken: Finished,
  { seed, kill, from = 0, to = 1, mostRenames = 12 }: { seed: number; kill: number; from?: number; to?: number; mostRenames?: number },
): Promise<Killed> {
  const uniform = (position: number): number => keyedUniform({ seed, step: 0, prompt: kill, sample: 0, position });
  if (uniform(0) < 0.5) {
    const rename = { nth: 1 + Math.floor(uniform(1) * mostRenames), when: uniform(2) < 0.5 ? ("before" as const) : ("after" as const) };
    return { plan: `${rename.when} rename ${rename.nth}`, end: await go(run, { stopAt: { rename, signal: "SIGKILL" } }) };
  }
  const momentOf = momentsOf();
  const phases = Map.groupBy(
    eventsOf(unbroken)
      .map(momentOf)
      .filter((found) => found !== undefined),
    ([stepsDone, phase]) => `${stepsDone}, ${phase}`,
  );
  const moments = [...phases.values()][Math.floor((from + uniform(1) * (to - from)) * phases.size)]!;
  const moment = moments[Math.floor(uniform(3) * moments.length)]!;
  const delayMs = Math.floor(uniform(2) * 12);
  const seen = momentsOf();
  const end = await go(run, {
    onEvent: (event, child) => {
      if (isSameMoment(seen(event), moment)) setTimeout(() => child.kill("SIGKILL"), delayMs);
    },
  });
  return { plan: `${delayMs} ms after ${moment.join()}`, end };
}
