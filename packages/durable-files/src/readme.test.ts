// The README's examples run and print what the README says.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));
const EXAMPLES = [
  ...readFileSync(`${PACKAGE}/README.md`, "utf8").matchAll(/## (.*)\n\n```ts\n([^]*?)```\n\nIt prints\n\n```text\n([^]*?)```/g),
];

it("README has two examples", () => {
  expect(EXAMPLES).toHaveLength(2);
});

it.each(EXAMPLES.map(([, title, code, printed]) => [title!, code!, printed!] as const))("%s", async (_, code, printed) => {
  // Inside the package, where its own name resolves.
  const folder = await mkdtemp(join(PACKAGE, ".readme-"));
  try {
    const file = join(folder, "example.ts");
    await writeFile(file, code);
    const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=longcot-source", file]);
    expect(stdout).toBe(printed);
  } finally {
    await rm(folder, { recursive: true });
  }
});
