// Loaded into `longcot train --json` by node's --import: the process sends itself a signal at a moment that the test names. From outside a
// signal would come late on a busy machine, in a later phase.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import type { TrainEvent } from "@longcot/train/src/events.ts";
import { isSameMoment, momentsOf } from "./moment.ts";
import type { Moment } from "./moment.ts";

/** Environment variable with a {@link StopAt} as JSON. */
export const STOP_AT = "LONGCOT_TEST_STOP_AT";

export interface StopAt {
  signal: "SIGKILL" | "SIGINT";
  /** As soon as the event of this moment is printed. */
  moment?: Moment;
  /** At the nth file or folder that is renamed into its place, from 1: when it is written but not there yet, or when it has just come. */
  rename?: { nth: number; when: "before" | "after" };
}

const wanted = process.env[STOP_AT];
if (wanted !== undefined) {
  const { moment, rename, signal } = JSON.parse(wanted) as StopAt;
  if (moment !== undefined) stopAtMoment(moment, signal);
  if (rename !== undefined) stopAtRename(rename, signal);
}

function stopAtMoment(moment: Moment, signal: NodeJS.Signals): void {
  const momentOf = momentsOf();
  const write = process.stdout.write.bind(process.stdout) as (text: string) => boolean;
  let isSent = false;
  process.stdout.write = ((text: string) => {
    const result = write(text);
    if (!isSent && isSameMoment(momentOf(JSON.parse(text) as TrainEvent), moment)) {
      isSent = true;
      process.kill(process.pid, signal);
    }
    return result;
  }) as typeof process.stdout.write;
}

function stopAtRename({ nth, when }: NonNullable<StopAt["rename"]>, signal: NodeJS.Signals): void {
  let renames = 0;
  const { renameSync } = fs;
  const { rename } = fs.promises;
  fs.renameSync = (from, to) => {
    renames++;
    if (renames === nth && when === "before") process.kill(process.pid, signal);
    renameSync(from, to);
    if (renames === nth && when === "after") process.kill(process.pid, signal);
  };
  fs.promises.rename = async (from, to) => {
    renames++;
    if (renames === nth && when === "before") process.kill(process.pid, signal);
    await rename(from, to);
    if (renames === nth && when === "after") process.kill(process.pid, signal);
  };
  syncBuiltinESMExports();
}
