import { expect, test } from "vitest";
import { checkCodeTests } from "./code-ground-truth.ts";

test.each<[tests: unknown, kind: string | undefined]>([
  [{ inputs: ["1\n"], outputs: ["2\n"] }, undefined],
  [{ inputs: ["1\n", "2\n"], outputs: ["", "x"] }, undefined],
  [{ inputs: [""], outputs: ["x"] }, undefined],
  [{ fn_name: "f", inputs: [[null]], outputs: [null] }, undefined],
  [{ inputs: [], outputs: [] }, "no-tests"],
  [{ inputs: ["1\n"], outputs: [] }, "unequal-tests"],
  [{ inputs: "1", outputs: "2" }, "unknown-shape"],
  [{ fn_name: " ", inputs: [[1]], outputs: [2] }, "unknown-shape"],
  [{ inputs: [null], outputs: ["x"] }, "broken-tests"],
  [{ inputs: ["1\n"], outputs: [null] }, "broken-tests"],
  [{ inputs: ["1\n", "2\n"], outputs: ["", " \n"] }, "broken-tests"],
  [{ test_code: "", entry_point: "f" }, "no-tests"],
  [{ assert_case: [" "] }, "no-tests"],
  [{ foo: 1 }, "unknown-shape"],
  [{ fn_name: null, inputs: ["1\n"], outputs: ["2\n"] }, "null-filled-keys"],
])("%j", (tests, kind) => {
  expect(checkCodeTests(JSON.stringify(tests))?.kind).toBe(kind);
});
