// A package's README as a test: its examples run and print what it says.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";

/** Declares a test per example of `folder`/README.md, `count` in all: a section that is a `ts` block, "It prints" and a `text` block. */
export function testReadmeExamples(folder: string, count: number): void {
  const readme = readFileSync(join(folder, "README.md"), "utf8");
  const examples = [...readme.matchAll(/## (.*)\n\n```ts\n([^]*?)```\n\nIt prints\n\n```text\n([^]*?)```/g)];

  it(`README has ${count} examples`, () => {
    expect(examples).toHaveLength(count);
  });

  it.each(examples.map(([, title, code, printed]) => [title!, code!, printed!] as const))("%s", async (_, code, printed) => {
    // Inside the package, where its own name resolves.
    const scratch = await mkdtemp(join(folder, ".readme-"));
    try {
      const file = join(scratch, "example.ts");
      await writeFile(file, code);
      const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=longcot-source", file]);
      expect(stdout).toBe(printed);
    } finally {
      await rm(scratch, { recursive: true });
    }
  });
}
