// One process per run: a kernel lock on a file in the run's folder, freed by the kernel however the process ends.
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "@longcot/errors";
import { tryLock } from "fs-native-extensions";

export interface RunLock {
  release: () => void;
}

/** Takes the lock of the run in `folder`. @throws ConfigError if another process trains it. */
export function lockRun(folder: string): RunLock {
  const fd = openSync(join(folder, ".lock"), "a+");
  if (!tryLock(fd)) {
    closeSync(fd);
    throw new ConfigError({
      who: "--run",
      expected: "a run that no other process is training",
      received: folder,
      fix: "Stop that process first, or choose another folder",
    });
  }
  return { release: () => closeSync(fd) };
}
