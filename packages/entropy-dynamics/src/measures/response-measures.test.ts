// Measures of whole responses by hand: diversity inside groups, repetition, self-reflection.
import { expectClose } from "@longcot/vitest-config/close-to";
import { expect, test } from "vitest";

import { repetitionRate, responseDiversity } from "./response-diversity.ts";
import { reflectionRates } from "./self-reflection.ts";

test("diversity: distinct answers and overlap of bigrams, group by group", () => {
  const { distinctAnswerShare, ngramOverlap } = responseDiversity({
    // Group 1: the same response twice. Group 2: bigrams {1 2, 2 3} and {2 3, 3 4}: one of three shared.
    responses: [
      [1, 2, 3],
      [1, 2, 3],
      [1, 2, 3],
      [2, 3, 4],
    ],
    answers: ["5", "5", "5", undefined],
    groupSize: 2,
    n: 2,
  });
  expectClose([distinctAnswerShare, ngramOverlap!], [(0.5 + 1) / 2, (1 + 1 / 3) / 2], { atol: 1e-12 });
});

test("diversity: no answer twice is one answer, and short responses have no overlap", () => {
  expect(responseDiversity({ responses: [[1], [2]], answers: [undefined, undefined], groupSize: 2 })).toEqual({
    distinctAnswerShare: 0.5,
    ngramOverlap: undefined,
  });
  expect(() => responseDiversity({ responses: [[1]], answers: ["1"], groupSize: 2 })).toThrow(
    "responses must be a multiple of 2, at least one group, got 1",
  );
  expect(() => responseDiversity({ responses: [[1], [1]], answers: ["1"], groupSize: 2 })).toThrow(
    "answers must be one per response (2), got 1",
  );
  expect(() => responseDiversity({ responses: [[1], [1]], answers: ["1", "1"], groupSize: 2, n: 0 })).toThrow(
    "n must be a positive integer, got 0",
  );
});

test("repetition: a loop of two tokens repeats all bigrams but two", () => {
  expectClose([repetitionRate([[1, 2, 1, 2, 1, 2]], 2)!], [3 / 5], { atol: 1e-12 });
  expect(repetitionRate([[1, 2, 3, 4, 5], [1]], 2)).toBe(0);
  expect(repetitionRate([[1], []])).toBeUndefined();
});

test("self-reflection: whole words in any case, by response and by word", () => {
  const rates = reflectionRates(["Wait, let me check 3+4. Alternatively 7.", "The waiter waits at 7.", "WAIT"])!;
  expectClose([rates.responses.check, rates.responses.turn], [2 / 3, 1 / 3], { atol: 1e-12 });
  expectClose([rates.perThousandWords.check, rates.perThousandWords.turn], [3000 / 13, 1000 / 13], { atol: 1e-9 });
  expect(reflectionRates([])).toBeUndefined();
  expect(reflectionRates(["", ""])).toEqual({ responses: { check: 0, turn: 0 }, perThousandWords: { check: 0, turn: 0 } });
});
