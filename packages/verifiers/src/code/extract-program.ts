// The program in a response: a fenced block after the reasoning, and its language.
import type { Language } from "./box.ts";
import type { CodePolicy } from "./policy.ts";

/** A program, or why there is none. */
export type ExtractedProgram =
  | { readonly found: true; readonly source: string; readonly language: Language }
  | { readonly found: false; readonly reason: "thinking-not-closed" | "no-program-found" };

/** Longest response looked at, characters: far beyond any context length. */
const MAX_RESPONSE_CHARS = 4_000_000;

const LANGUAGES: Readonly<Record<string, Language>> = {
  ...Object.fromEntries(["python", "python3", "python2", "py", "py3", "pypy", "pypy3"].map((tag) => [tag, "python" as const])),
  ...Object.fromEntries(["javascript", "js", "node", "nodejs", "mjs", "cjs"].map((tag) => [tag, "javascript" as const])),
  ...Object.fromEntries(["typescript", "ts", "mts"].map((tag) => [tag, "typescript" as const])),
};

interface Block {
  readonly tag: string;
  readonly source: string;
}

/**
 * The last fenced block with a tag of a language that can be run, else the last one without a tag, which counts as Python. Only what
 * follows the last `</think>` is read. A block that the response never closes ends with it. Linear time.
 */
export function extractProgram(response: string, { thinking }: Pick<CodePolicy, "thinking">): ExtractedProgram {
  const end = response.lastIndexOf("</think>");
  if (end < 0 && (thinking === "required" || response.includes("<think>"))) return { found: false, reason: "thinking-not-closed" };
  const answer = end < 0 ? response : response.slice(end + "</think>".length);
  if (answer.length > MAX_RESPONSE_CHARS) return { found: false, reason: "no-program-found" };
  const blocks = fencedBlocks(answer);
  const chosen = blocks.findLast(({ tag }) => tag in LANGUAGES) ?? blocks.findLast(({ tag }) => tag === "");
  if (chosen === undefined || chosen.source.trim() === "") return { found: false, reason: "no-program-found" };
  return { found: true, source: chosen.source, language: LANGUAGES[chosen.tag] ?? "python" };
}

/** All fenced code blocks, as CommonMark has them: of three or more backticks or tildes, closed by at least as many of the same. */
function fencedBlocks(text: string): Block[] {
  const blocks: Block[] = [];
  let open: { fence: string; indent: number; tag: string; lines: string[] } | undefined;
  for (const line of text.split("\n")) {
    const start = /^([ \t]*)(`{3,}|~{3,})[ \t]*(.*)$/.exec(line.endsWith("\r") ? line.slice(0, -1) : line);
    if (open === undefined) {
      if (start !== null && !start[3]!.includes("`")) {
        const tag = /^[\w+#.-]*/.exec(start[3]!)![0].toLowerCase();
        open = { fence: start[2]!, indent: start[1]!.length, tag, lines: [] };
      }
    } else if (start !== null && start[2]!.startsWith(open.fence) && start[3]!.trim() === "") {
      blocks.push({ tag: open.tag, source: open.lines.join("\n") });
      open = undefined;
    } else {
      open.lines.push(withoutIndent(line, open.indent));
    }
  }
  if (open !== undefined) blocks.push({ tag: open.tag, source: open.lines.join("\n") });
  return blocks;
}

/** `line` without up to `indent` of its leading blanks: those of the list or quote that the block stands in. */
function withoutIndent(line: string, indent: number): string {
  let cut = 0;
  while (cut < indent && (line[cut] === " " || line[cut] === "\t")) cut++;
  return line.slice(cut);
}
