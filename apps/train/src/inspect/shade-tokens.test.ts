import type { Tokenizer } from "@longcot/language-model";
import { expect, test } from "vitest";
import { shadeLegend, shadeTokens, topFifth } from "./shade-tokens.ts";
import { tokenTexts, withoutControls } from "./token-texts.ts";

/** A tokenizer of single bytes. */
const bytes = { decode: (ids: ArrayLike<number>) => Buffer.from(Array.from(ids)).toString("utf8") } as unknown as Tokenizer;

test("tokens of one character make one piece, and every token is in one", () => {
  const pieces = tokenTexts(bytes, Buffer.from("a算é\n"));
  expect(pieces).toEqual([
    { from: 0, to: 1, text: "a" },
    { from: 1, to: 4, text: "算" },
    { from: 4, to: 6, text: "é" },
    { from: 6, to: 7, text: "\n" },
  ]);
});

test("bytes that are no character do not swallow what follows", () => {
  const pieces = tokenTexts(bytes, [0x61, 0xff, 0x62, 0x63, 0x64, 0x65, 0x66]);
  expect(pieces.at(-1)!.to).toBe(7);
  expect(pieces.map(({ text }) => text).join("")).toContain("def");
});

test("a colour for each range of values, the largest of a piece, underlined where told", () => {
  const pieces = [
    { from: 0, to: 1, text: "sure" },
    { from: 1, to: 3, text: "算" },
    { from: 3, to: 4, text: "un\nsure" },
  ];
  expect(shadeTokens(pieces, [0.05, 0.2, 1.5, 9], (token) => token === 3)).toBe(
    "sure\u001b[38;5;16;48;5;216m算\u001b[0m\u001b[38;5;16;48;5;203;4mun⏎\u001b[0m\n\u001b[38;5;16;48;5;203;4msure\u001b[0m",
  );
});

test("a model cannot steer the terminal", () => {
  expect(withoutControls("a\u001b[2J\u0007\tb\u009bc\u202e\nd\u007f")).toBe("a␛[2J␇␉b\uFFFDc\uFFFD\nd␡");
  expect(shadeTokens([{ from: 0, to: 1, text: "\u001b]0;x\u0007" }], [0], () => false)).toBe("␛]0;x␇");
});

test("the top fifth, and what the colours mean", () => {
  expect(topFifth(Float32Array.of(5, 1, 2, 3, 4))).toBe(5);
  expect(topFifth(new Float32Array(0))).toBe(Infinity);
  expect(shadeLegend("entropy")).toMatch(/^entropy in nats: {2}< 0\.1 .* ≥ 4 /);
});
