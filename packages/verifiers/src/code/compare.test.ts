// Outputs and return values against what is expected.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sameNumber, sameOutput } from "./compare-output.ts";
import { encodeArguments, plainText, sameValue } from "./compare-value.ts";
import { DEFAULT_CODE_POLICY } from "./policy.ts";

const same = (expected: string, actual: string, policy = {}): boolean =>
  sameOutput(expected, actual, { ...DEFAULT_CODE_POLICY, ...policy });

describe("printed output", () => {
  test.each([
    ["6\n", "6", true],
    ["1 2 3\n4\n", "1  2 3 \r\n4 \n\n", true],
    ["0.5", "0.50", true],
    ["1000", "1e3", true],
    ["0.3333333333333333", "0.333333333", true],
    ["0.3", "0.30000000000000004", true],
    ["-0", "0", true],
    ["+7", "7.0", true],
    ["", "\n", true],
    ["Yes", "YES", false],
    ["1 2", "1\n2", false],
    ["1\n2", "1\n\n2", false],
    ["1 2 3", "1 2", false],
    ["1", "", false],
    ["6", "-6", false],
    ["0.5", "0.500001", false],
    ["1000000007", "1000000008", false],
    // Relative tolerance is not for integers.
    ["1000000007", "1000000007.5", false],
    ["12345678901234567890", "12345678901234567891", false],
    ["nan", "0", false],
    ["1e400", "1e401", false],
    ["0x10", "16", false],
  ])("%j printed as %j: %s", (expected, actual, verdict) => {
    expect(same(expected, actual)).toBe(verdict);
  });

  test("conventions by name: exact decimals, words wherever lines end", () => {
    expect(same("0.3", "0.30000000000000004", { floatTolerance: 0 })).toBe(false);
    expect(same("0.5", "0.50", { floatTolerance: 0 })).toBe(true);
    expect(same("1 2\n3", "1\n2 3", { layout: "tokens" })).toBe(true);
  });

  test("is reflexive, blind to trailing blanks, and refuses a changed integer", () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.integer(), { minLength: 1 }), { minLength: 1 }), fc.nat(), (rows, seed) => {
        const text = rows.map((row) => row.join(" ")).join("\n");
        expect(same(text, text)).toBe(true);
        expect(same(text, rows.map((row) => `${row.join("  ")} `).join("\r\n"))).toBe(true);
        const changed = rows.map((row) => [...row]);
        const row = changed[seed % changed.length]!;
        row[seed % row.length]! += 1;
        expect(same(text, changed.map((part) => part.join(" ")).join("\n"))).toBe(false);
      }),
    );
  });

  test("numbers are equal both ways where no tolerance is asked for", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.double({ noNaN: true, noDefaultInfinity: true }), (a, b) => {
        expect(sameNumber(String(a), String(b), 0)).toBe(sameNumber(String(b), String(a), 0));
        expect(sameNumber(String(a), a.toExponential(), 0)).toBe(true);
      }),
    );
  });

  test("sixteen MiB of words are compared in linear time and little memory", () => {
    const long = "1 ".repeat(8 << 20);
    expect(same(long, `${long}2`)).toBe(false);
    expect(same(long, "1\n".repeat(8 << 20))).toBe(false);
  });
});

describe("return values", () => {
  const value = (expected: never, root: unknown, tolerance = 1e-9): boolean => sameValue([expected], JSON.stringify({ root }), tolerance);
  test.each([
    [[1, 2], { t: [1, 2] }, true],
    [[[1, 2]], [{ t: [1, 2] }], true],
    [0.3, { f: "0.30000000000000004" }, true],
    [1, { f: "1.0" }, true],
    [true, 1, true],
    [{ a: 1 }, { d: [["a", 1]] }, true],
    [{ 1: "x" }, { d: [[1, "x"]] }, true],
    [10n ** 30n, { i: `0x${(10n ** 30n).toString(16)}` }, true],
    [-(10n ** 30n), { i: `-0x${(10n ** 30n).toString(16)}` }, true],
    [null, null, true],
    ["a", "a", true],
    [[1, 2], { s: [1, 2] }, false],
    [[1, 2], [1, 2, 3], false],
    [1, "1", false],
    ["1", 1, false],
    [null, 0, false],
    [10n ** 30n, { i: `0x${(10n ** 30n + 1n).toString(16)}` }, false],
    [{ a: 1 }, { d: [] }, false],
    [1, { f: "nan" }, false],
    [1, { o: 0 }, false],
    [1, {}, false],
  ])("%o returned as %o: %s", (expected, root, verdict) => {
    expect(value(expected as never, root)).toBe(verdict);
  });

  test("a reply that is far too long, no JSON or endlessly nested is only wrong", () => {
    expect(sameValue([1], `{"root":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, 0)).toBe(false);
    expect(sameValue([[[1]]], "nonsense", 0)).toBe(false);
    expect(sameValue([1], JSON.stringify({ root: "x".repeat(3 << 20) }), 0)).toBe(false);
  });

  test("arguments keep their types on the way in, values on the way to a checker", () => {
    expect(JSON.parse(encodeArguments([1, 2.5, 10n ** 20n, [true, null], { a: "b" }])).root.t[0]).toEqual([
      1,
      { f: "2.5" },
      { i: "0x56bc75e2d63100000" },
      [true, null],
      { d: [["a", "b"]] },
    ]);
    expect(plainText('{"root":{"t":[1,{"f":"0.5"},{"d":[["k",{"s":[]}]]}]}}')).toBe('[1,0.5,{"k":{"s":[]}}]');
  });
});
