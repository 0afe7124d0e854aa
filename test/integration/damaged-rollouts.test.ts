// A rollout file that a disk has spoilt stops the run by name; told so, the run goes back before it and comes out as if nothing had happened.
// A full disk stops the run; with room again it goes on.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { eventsOf } from "./longcot-process.ts";
import { go } from "./random-kills.ts";
import { readOutcome } from "./run-outcome.ts";
import { scratchFolder } from "./scratch-folder.ts";

const { run: reference } = inject("reference");
const scratch = scratchFolder();

function flipOneBit(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1]! ^= 8;
  writeFileSync(path, bytes);
}

test("a changed bit is found and named, and --from-last-good-step goes back before it", async () => {
  const run = join(scratch, "flipped");
  cpSync(reference, run, { recursive: true });
  const path = join(run, "rollouts", "step-000005.arrow");
  flipOneBit(path);
  const refused = await go(run);
  expect({ code: refused.code, events: eventsOf(refused).map(({ type }) => type) }).toEqual({ code: 1, events: [] });
  expect(refused.stderr).toBe(
    `longcot train: --resume: ${path} must be a whole rollout file, got bytes that do not match the file's checksum: damaged. Restore it, or add --from-last-good-step: the run goes back before that step and generates again from there\n`,
  );
  const told = await go(run, {}, ["--from-last-good-step"]);
  expect({ code: told.code, stderr: told.stderr }).toEqual({ code: 0, stderr: "" });
  const events = eventsOf(told);
  expect(events.find((event) => event.type === "run")?.resumed_from).toBe(4);
  expect(events).toContainEqual({
    type: "warning",
    text: `${path} is damaged (bytes that do not match the file's checksum: damaged): went back to step 4; kept as step-000005.arrow.damaged`,
  });
  rmSync(`${path}.damaged`);
  expect(readOutcome(run)).toEqual(readOutcome(reference));
});

test("files cut short in the middle of the run: back to the beginning where no checkpoint is older", async () => {
  const run = join(scratch, "truncated");
  cpSync(reference, run, { recursive: true });
  for (const step of [2, 4]) truncateSync(join(run, "rollouts", `step-00000${step}.arrow`), 1000);
  const refused = await go(run);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(
    /step-000002\.arrow must be a whole rollout file, got .*truncated; so are step-000004\.arrow\. Restore it, or add/,
  );
  const told = await go(run, {}, ["--from-last-good-step"]);
  expect({ code: told.code, stderr: told.stderr }).toEqual({ code: 0, stderr: "" });
  expect(readdirSync(join(run, "rollouts")).filter((name) => name.endsWith(".damaged"))).toHaveLength(2);
  for (const step of [2, 4]) rmSync(join(run, "rollouts", `step-00000${step}.arrow.damaged`));
  expect(readOutcome(run)).toEqual(readOutcome(reference));
});

const canMount = (() => {
  const folder = join(scratch, "probe");
  mkdirSync(folder);
  if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]).status !== 0) return false;
  execFileSync("umount", [folder]);
  return true;
})();

describe(`a full disk${canMount ? "" : " (skipped: this user may not mount a tmpfs)"}`, () => {
  test.skipIf(!canMount)("stops the run with one line, and with room again it goes on as if nothing had happened", async () => {
    const disk = join(scratch, "disk");
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=250k", "tmpfs", disk]);
    try {
      const run = join(disk, "run");
      let size = 250;
      for (let end = await go(run); end.code !== 0; end = await go(run)) {
        expect(end.stderr).toMatch(/^longcot train: .*ENOSPC: no space left on device/);
        size += 150;
        expect(size).toBeLessThan(4000);
        execFileSync("mount", ["-o", `remount,size=${size}k`, disk]);
      }
      expect(size).toBeGreaterThan(250);
      expect(readOutcome(run)).toEqual(readOutcome(reference));
    } finally {
      execFileSync("umount", [disk]);
    }
  });
});
