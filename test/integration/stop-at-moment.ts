// Loaded into `longcot train --json` by node's --import: the process sends itself a signal as soon as it has printed the event of a moment.
// From outside a signal would come late on a busy machine, in a later phase.
import type { TrainEvent } from "@longcot/train/src/events.ts";
import { isSameMoment, momentsOf } from "./moment.ts";
import type { Moment } from "./moment.ts";

/** Environment variable with a {@link StopAt} as JSON. */
export const STOP_AT = "LONGCOT_TEST_STOP_AT";

export interface StopAt {
  moment: Moment;
  signal: "SIGKILL" | "SIGINT";
}

const wanted = process.env[STOP_AT];
if (wanted !== undefined) {
  const { moment, signal } = JSON.parse(wanted) as StopAt;
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
