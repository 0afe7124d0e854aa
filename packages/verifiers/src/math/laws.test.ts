import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { choices, formula, joinTokens, picker, renderFormula } from "../../fixtures/latex-arbitraries.ts";
import type { Formula } from "../../fixtures/latex-arbitraries.ts";
import { gradeMath } from "./grade-math.ts";
import { parseGroundTruth } from "./ground-truth.ts";

const score = (answer: string, gold: string) => gradeMath({ response: `\\boxed{${answer}}`, groundTruth: gold }).score;
const plain = (tree: Formula) =>
  joinTokens(
    renderFormula(tree, () => 0),
    false,
  );

/** Whether the formula has a value: 1/(x-x) equals nothing, not even what it is written like. */
const isDefined = (tree: Formula) => gradeMath({ response: `\\boxed{${plain(tree)}+0}`, groundTruth: plain(tree) }).score === 1;

describe("formulas", () => {
  test("one formula in any spelling, order and spacing is equal, both ways", () => {
    fc.assert(
      fc.property(formula, choices, fc.boolean(), (tree, stream, spaced) => {
        fc.pre(isDefined(tree));
        const other = joinTokens(renderFormula(tree, picker(stream)), spaced);
        expect([score(other, plain(tree)), score(plain(tree), other), other]).toEqual([1, 1, other]);
      }),
      { seed: 11, numRuns: 600 },
    );
  });

  test("what is added, scaled or shifted is refused", () => {
    fc.assert(
      fc.property(formula, fc.integer({ min: 1, max: 9 }), (tree, k) => {
        fc.pre(isDefined(tree));
        const text = plain(tree);
        for (const changed of [`${text}+${k}`, `(${text})-\\frac{1}{${k + 1}}`, `${text}+0.000${k}`]) {
          expect([score(changed, text), score(text, changed), changed]).toEqual([0, 0, changed]);
        }
      }),
      { seed: 12, numRuns: 400 },
    );
  });
});

describe("answers of every kind", () => {
  const number = fc
    .tuple(fc.integer({ min: -30, max: 30 }), fc.integer({ min: 1, max: 9 }))
    .map(([n, d]) => (d === 1 ? String(n) : `\\frac{${n}}{${d}}`));
  const surd = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.constantFrom(2, 3, 5, 7)).map(([a, b]) => `${a}\\sqrt{${b}}`);
  const item = fc.oneof(number, surd);
  const items = fc.uniqueArray(item, { minLength: 2, maxLength: 4 });
  const shapes: Readonly<Record<string, (parts: readonly string[]) => string>> = {
    tuple: (parts) => `(${parts.join(", ")})`,
    set: (parts) => `\\{${parts.join(",")}\\}`,
    list: (parts) => parts.join(", "),
    column: (parts) => `\\begin{pmatrix}${parts.join(" \\\\ ")}\\end{pmatrix}`,
    row: (parts) => `\\begin{bmatrix}${parts.join(" & ")}\\end{bmatrix}`,
    assignments: (parts) => parts.map((part, i) => `${"xyzw"[i]}=${part}`).join(", "),
    line: (parts) => `${parts[0]}x+y=${parts[1]}`,
    inequality: (parts) => `x\\le ${parts[0]}`,
    quantity: (parts) => `${parts[0]}\\text{ cm}`,
    percent: (parts) => `${parts[0]}\\%`,
  };
  const sized = (text: string) =>
    text.replaceAll("(", "\\left( ").replaceAll(")", " \\right)").replaceAll("\\{", "\\left\\{").replaceAll("\\}", "\\right\\}");

  test.each(Object.keys(shapes))("%s: equal to itself, sized or spaced, and symmetric", (kind) => {
    const shape = shapes[kind]!;
    fc.assert(
      fc.property(items, items, (a, b) => {
        expect(score(shape(a), shape(a))).toBe(1);
        expect(score(sized(shape(a)), shape(a))).toBe(1);
        expect(score(shape(a).replaceAll(",", " ,\\; "), shape(a))).toBe(1);
        expect(score(shape(a), shape(b))).toBe(score(shape(b), shape(a)));
      }),
      { seed: 13, numRuns: 60 },
    );
  });

  test.each(Object.keys(shapes))("%s: refused when a part is changed", (kind) => {
    const shape = shapes[kind]!;
    fc.assert(
      fc.property(items, (parts) => {
        const changed = [`${parts[0]}+\\frac{1}{97}`, ...parts.slice(1)];
        expect(score(shape(changed), shape(parts))).toBe(0);
        expect(score(shape(parts), shape(changed))).toBe(0);
      }),
      { seed: 14, numRuns: 60 },
    );
  });

  test("the order of a set does not matter, that of a tuple does", () => {
    fc.assert(
      fc.property(items, (parts) => {
        const reversed = parts.toReversed();
        expect(score(shapes["set"]!(reversed), shapes["set"]!(parts))).toBe(1);
        expect(score(shapes["list"]!(reversed), shapes["list"]!(parts))).toBe(1);
        expect(score(shapes["list"]!(reversed), shapes["set"]!(parts))).toBe(1);
        fc.pre(score(parts[0]!, parts.at(-1)!) === 0);
        expect(score(shapes["tuple"]!(reversed), shapes["tuple"]!(parts))).toBe(0);
      }),
      { seed: 15, numRuns: 100 },
    );
  });

  test("interval ends count", () => {
    fc.assert(
      fc.property(fc.integer({ min: -20, max: 20 }), fc.integer({ min: 1, max: 20 }), (low, width) => {
        const ends = `${low},${low + width}`;
        const kinds = [`(${ends})`, `[${ends})`, `(${ends}]`, `[${ends}]`];
        for (const a of kinds) for (const b of kinds) expect(score(a, b)).toBe(Number(a === b));
        expect(score(`${low}<x\\le ${low + width}`, kinds[2]!)).toBe(1);
        expect(score(`[${low},${low + 1}]\\cup[${low + 1},${low + width}]`, width === 1 ? `[${low},${low + 1}]` : kinds[3]!)).toBe(1);
      }),
      { seed: 16, numRuns: 60 },
    );
  });
});

test("reflexive and symmetric on whatever can be read", () => {
  const part = fc.constantFrom(
    "x",
    "y",
    "2",
    "17",
    "+",
    "-",
    "\\pi",
    "\\sqrt{3}",
    "\\frac{a}{b}",
    "^{2}",
    "_1",
    "(",
    ")",
    ",",
    "\\cup",
    "\\{",
    "\\}",
    "=",
    "<",
    "\\%",
  );
  const answer = fc.array(part, { minLength: 1, maxLength: 12 }).map((parts) => parts.join(" "));
  fc.assert(
    fc.property(answer, answer, (a, b) => {
      fc.pre(parseGroundTruth(a).valid && parseGroundTruth(b).valid);
      expect(score(a, a)).toBe(1);
      expect(score(a.replaceAll("(", "\\left( ").replaceAll(")", "\\right) "), a)).toBe(1);
      expect([score(a, b), a, b]).toEqual([score(b, a), a, b]);
    }),
    { seed: 4, numRuns: 1_500 },
  );
});
