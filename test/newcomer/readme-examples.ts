// The TypeScript examples of READMEs: every ```ts block, with the words after `ts`.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** A ```ts block of a README. */
export interface ReadmeExample {
  /** `packages/errors/README.md:12`, the line of the fence. */
  place: string;
  /** Folder of the package that the README belongs to. */
  folder: string;
  code: string;
  /** Of a block fenced as ```ts no-run: its first line, a comment that says why it cannot run. */
  notRun?: string;
}

/** A package and the examples of its README. */
export interface ReadmeOfPackage {
  /** `packages/errors`. */
  name: string;
  examples: ReadmeExample[];
}

/** Folders of what is published: packages/* and tooling/libtensorflow. */
export function publishedFolders(): string[] {
  const packages = readdirSync(join(ROOT, "packages"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(entry.parentPath, entry.name, "package.json")))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
  return [...packages, join(ROOT, "tooling/libtensorflow")];
}

/**
 * The examples of the README in `folder`.
 * @throws Error where the README is missing, a fence is not closed, or a block has words after `ts` other than `no-run` with a comment first.
 */
export function readExamples(folder: string): ReadmeOfPackage {
  const path = join(folder, "README.md");
  const lines = readFileSync(path, "utf8").split("\n");
  const examples: ReadmeExample[] = [];
  for (let line = 0; line < lines.length; line++) {
    const fence = /^```(\w*)(.*)$/.exec(lines[line]!);
    if (fence === null) continue;
    const [, language, words] = fence as unknown as [string, string, string];
    const place = `${relative(ROOT, path)}:${line + 1}`;
    const end = lines.indexOf("```", line + 1);
    if (end < 0) throw new Error(`${place}: the block is not closed`);
    const code = lines.slice(line + 1, end).join("\n");
    line = end;
    if (language !== "ts" && language !== "typescript") continue;
    const first = code.split("\n")[0]!;
    switch (words.trim()) {
      case "":
        examples.push({ place, folder, code });
        break;
      case "no-run":
        if (!first.startsWith("// "))
          throw new Error(`${place}: a block that is not run starts with a comment that says why, not with: ${first}`);
        examples.push({ place, folder, code, notRun: first.slice(3) });
        break;
      default:
        throw new Error(`${place}: expected \`ts\` or \`ts no-run\`, got \`ts${words}\``);
    }
  }
  return { name: relative(ROOT, folder), examples };
}
