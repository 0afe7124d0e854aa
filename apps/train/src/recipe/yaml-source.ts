// YAML text to plain values, remembering on which line each key stands.
import { ConfigError } from "@longcot/errors";
import { isMap, isNode, isPair, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import type { Node, Pair } from "yaml";

export interface YamlSource {
  value: unknown;
  /** Line (from 1) of the key at `path`, or of the nearest key around it. */
  lineOf: (path: readonly PropertyKey[]) => number | undefined;
}

/** Parses one YAML document. @throws ConfigError naming `who` and the line, if the text is not YAML. */
export function parseYaml(text: string, who: string): YamlSource {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem !== undefined) {
    const { line, col } = lines.linePos(problem.pos[0]);
    throw new ConfigError({ who: `${who}:${line}:${col}`, expected: "YAML", received: problem.message.split("\n", 1)[0]!, cause: problem });
  }
  return {
    value: document.toJS() as unknown,
    lineOf: (path) => {
      const offset = offsetOf(document.contents, path);
      return offset === undefined ? undefined : lines.linePos(offset).line;
    },
  };
}

/** Parses the value of `--set key=value`: one YAML scalar, or a mapping or list in flow style. */
export function parseYamlValue(text: string, who: string): unknown {
  return parseYaml(text, who).value;
}

function offsetOf(root: Node | null, path: readonly PropertyKey[]): number | undefined {
  let node: unknown = root;
  let offset = isNode(node) ? node.range?.[0] : undefined;
  for (const part of path) {
    if (isMap(node)) {
      const pair: Pair | undefined = node.items.find(
        (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(part),
      );
      if (pair === undefined) return offset;
      offset = isNode(pair.key) ? pair.key.range?.[0] : offset;
      node = pair.value;
    } else if (isSeq(node)) {
      const item = node.items[Number(part)];
      if (item === undefined) return offset;
      offset = isNode(item) ? item.range?.[0] : offset;
      node = item;
    } else return offset;
  }
  return offset;
}
