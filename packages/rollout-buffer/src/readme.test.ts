// The README's example runs and prints what the README says.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));

it("README example prints what it promises", async () => {
  const readme = await readFile(`${PACKAGE}/README.md`, "utf8");
  const [, code, printed] = /```ts\n([^]*?)```[^]*?```text\n([^]*?)```/.exec(readme)!;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--conditions=longcot-source", "--input-type=module-typescript", "--eval", code!],
    { cwd: PACKAGE },
  );
  expect(stdout).toBe(printed);
});
