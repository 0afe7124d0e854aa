// Expected: tokenizers 0.23.3, `decoders.ByteFallback().decode([...])`.
import { expect, test } from "vitest";
import { joinByteTokens } from "./byte-fallback.ts";

test.each<[string[], string[]]>([
  [
    ["▁a", "<0xE5>", "<0xB0>", "<0x8F>", "b"],
    ["▁a", "小", "b"],
  ],
  [
    ["<0xB2>", "<0xC7>", "x"],
    ["\uFFFD\uFFFD", "x"],
  ],
  [
    ["<0x2F>", "<0xF4>", "<0x89>", "語"],
    ["\uFFFD\uFFFD\uFFFD", "語"],
  ],
  [["<0xEF>", "<0xBB>", "<0xBF>", "<0x41>"], ["\uFEFFA"]],
  [
    ["<0x4>", "<0xZZ>", "<0x41>"],
    ["<0x4>", "<0xZZ>", "A"],
  ],
  [[], []],
])("%j", (tokens, expected) => {
  expect(joinByteTokens(tokens)).toEqual(expected);
});
