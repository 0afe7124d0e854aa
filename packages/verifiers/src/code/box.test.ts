// A box without bubblewrap: programs write on the host, and nothing of it is left.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { Box, type BoxRequest } from "./box.ts";
import { boxPlans, findPython } from "./isolation.ts";
import { boxLimits, DEFAULT_CODE_POLICY } from "./policy.ts";

const python = findPython();
const folder = mkdtempSync(join(tmpdir(), "longcot-box-test-"));
const before = process.env["TMPDIR"];
afterAll(() => {
  if (before === undefined) delete process.env["TMPDIR"];
  else process.env["TMPDIR"] = before;
  rmSync(folder, { recursive: true });
});

const SOURCE = `
import os, tempfile
open("here", "w").write("x")
kept = tempfile.mkdtemp()
open(os.path.join(kept, "there"), "w").write("x")
print(os.getcwd().startswith(FOLDER), kept.startswith(FOLDER), os.path.expanduser("~").startswith(FOLDER))
`;

test.skipIf(python === undefined || process.platform !== "linux")("what a program without a box writes goes with the box", async () => {
  process.env["TMPDIR"] = folder;
  // As the caller: the folder of this test is nobody else's.
  const plan = boxPlans().findLast(({ level }) => level === "rlimits only")!;
  const box = await Box.open(plan, { python: python!, stackMib: 64 });
  expect(readdirSync(folder)).toHaveLength(1);
  const limits = boxLimits({ ...DEFAULT_CODE_POLICY, stackMib: 64 });
  const request: BoxRequest = {
    mode: "stdin",
    language: "python",
    source: SOURCE.replaceAll("FOLDER", JSON.stringify(folder)),
    stdin: "",
    limits,
  };
  expect((await box.run(request)).stdout.toString()).toBe("True True True\n");
  await box.close();
  expect(readdirSync(folder)).toEqual([]);

  const killed = await Box.open(plan, { python: python!, stackMib: 64 });
  killed.kill("test");
  await killed.close();
  expect(readdirSync(folder)).toEqual([]);
});
