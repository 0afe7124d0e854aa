// What a newcomer copies works: every TypeScript example of every README runs, as it stands, to exit code 0.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { publishedFolders, readExamples } from "./readme-examples.ts";

/**
 * Runs `code` as a script of a folder inside the package, so that its imports resolve as the package's own, and what it writes goes with the folder.
 * The package's `fixtures`, where it has some, are beside the script.
 */
async function runExample(code: string, packageFolder: string): Promise<{ exit: number | NodeJS.Signals | null; output: string }> {
  const folder = await mkdtemp(join(packageFolder, ".readme-example-"));
  try {
    if (existsSync(join(packageFolder, "fixtures"))) await symlink("../fixtures", join(folder, "fixtures"));
    await writeFile(join(folder, "example.ts"), code);
    const child = spawn(process.execPath, ["--conditions=longcot-source", "example.ts"], {
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [stdout, stderr, exit] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
        child.on("error", reject);
        child.on("close", (status, signal) => resolve(status ?? signal));
      }),
    ]);
    return { exit, output: stdout + stderr };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

describe.each(publishedFolders().map(readExamples))("$name", ({ examples }) => {
  test("has an example that runs", () => {
    expect(examples.filter(({ notRun }) => notRun === undefined)).not.toEqual([]);
  });

  for (const { place, folder, code, notRun } of examples) {
    test.skipIf(notRun !== undefined)(`${place}${notRun === undefined ? "" : ` (${notRun})`}`, async () => {
      const { exit, output } = await runExample(code, folder);
      expect(exit, output).toBe(0);
    });
  }
});
