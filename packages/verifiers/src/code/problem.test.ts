// The shapes of ground truths, and the programs in responses.
import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { extractProgram } from "./extract-program.ts";
import { InvalidGroundTruth } from "./invalid-ground-truth.ts";
import { parseCodeProblem } from "./problem.ts";
import { codeReward } from "./reward.ts";

const parse = (value: unknown) => parseCodeProblem(typeof value === "string" ? value : JSON.stringify(value));

describe("ground truths", () => {
  test("standard input, with empty keys of other shapes beside it", () => {
    const problem = { inputs: ["1\n"], outputs: ["2\n"], fn_name: null, import_prefix: "", test_code: null, assert_case: [] };
    expect(parse(problem)).toEqual({ kind: "stdin", inputs: ["1\n"], outputs: ["2\n"] });
    expect(parse({ inputs: [["1", "2"]], outputs: [["3"]] })).toEqual({ kind: "stdin", inputs: ["1\n2\n"], outputs: ["3\n"] });
    expect(parse({ input_output: JSON.stringify(problem) })).toMatchObject({ kind: "stdin" });
  });

  test("calls: a JSON value a line, values as they are, TACO's list of one; large integers keep their digits", () => {
    expect(parse({ fn_name: "f", inputs: ["[1, 2]\n3"], outputs: ["4"] })).toEqual({
      kind: "calls",
      functionName: "f",
      inputs: [[[1, 2], 3]],
      outputs: [[4]],
    });
    expect(parse({ fn_name: "f", inputs: [[[1], 2]], outputs: [[[5]]] })).toMatchObject({ inputs: [[[1], 2]], outputs: [[[[5]], [5]]] });
    expect(parse({ fn_name: "f", inputs: ["123456789012345678901"], outputs: ["1"] })).toMatchObject({
      inputs: [[123456789012345678901n]],
    });
  });

  test("LeetCode's test code and assertions", () => {
    expect(parse({ import_prefix: "import math\n", test_code: "def check(c):\n  assert c(1)", entry_point: "Solution().f" })).toEqual({
      kind: "tests",
      prefix: "import math\n",
      tests: ["def check(c):\n  assert c(1)"],
      entry: "Solution().f",
    });
    expect(parse({ assert_case: ["assert f(1)"] })).toEqual({ kind: "tests", prefix: "", tests: ["assert f(1)"] });
    expect(parse(["assert f(1)"])).toMatchObject({ kind: "tests" });
  });

  // python3 -c 'import base64,json,pickle,zlib; t=json.dumps([{"input":"2","output":"4","testtype":"stdin"},{"input":"é","output":"8",
  //   "testtype":"stdin"}]); [print(base64.b64encode(zlib.compress(pickle.dumps(t, protocol=p))).decode()) for p in (1, 2, 4)]'
  test.each([
    "eJyLyGVgYIiuVsrMKygtUbJSUDJS0lFQyi8tgXJNQNyS1OKSksqCVJBAcUlKZp5SrY4Ckp6YUgODVEtUjRY4NMYWMugBALgxIkw=",
    "eJxrYIrIZWBgiK5WyswrKC1RslJQMlLSUVDKLy2Bck1A3JLU4pKSyoJUkEBxSUpmnlKtjgKSnphSA4NUS1SNFjg0xhYy6AEA9J8izg==",
    "eJxrYJlayAABPbnR1UqZeQWlJUpWCkpGSjoKSvmlJVCuCYhbklpcUlJZkAoSKC5JycxTqtVRQNITU2pgkGqJqtECh8bYKXoAZ2wkLQ==",
  ])("LiveCodeBench's private tests, as Python pickled them", (compressed) => {
    const problem = {
      public_test_cases: '[{"input": "1", "output": "2", "testtype": "stdin"}]',
      private_test_cases: compressed,
      metadata: "{}",
    };
    expect(parse(problem)).toEqual({ kind: "stdin", inputs: ["1", "2", "é"], outputs: ["2", "4", "8"] });
  });

  test("LiveCodeBench's functional tests take their name from the metadata", () => {
    const tests = [{ input: "[1]\n2", output: "3", testtype: "functional" }];
    expect(parse({ public_test_cases: tests, metadata: { func_name: "f" } })).toMatchObject({ kind: "calls", functionName: "f" });
    expect(() => parse({ public_test_cases: tests })).toThrow("functional tests without metadata.func_name");
  });

  const pickledDictionary =
    "eJxrYJlawQABtVN6GBOn9ORGVytl5hWUlihZKSgZKekoKOWXlkC5JiBuSWpxSUllQSpIoLgkJTNPqVZHAUlPTKmBQaolqkYLHBpjpxTrAQDH8yc6";
  test.each([
    ["", "no JSON"],
    ["42", "not a JSON object"],
    ['{"inputs": ["1"', "no JSON"],
    ['{"inputs": [], "outputs": []}', "none of the known shapes"],
    ['{"inputs": ["1"], "outputs": []}', "not empty"],
    ['{"inputs": ["1", "2"], "outputs": ["1"]}', "2 inputs but 1 outputs"],
    ['{"tests": ["1"]}', "its keys are tests"],
    ['{"fn_name": "f()", "inputs": ["1"], "outputs": ["1"]}', "fn_name is no name"],
    ['{"fn_name": "f", "inputs": ["1"], "outputs": ["no json"]}', "outputs[0] is no JSON"],
    [`{"private_test_cases": "${pickledDictionary}"}`, "something else than a text"],
    [`{"private_test_cases": "${deflateSync("x").toString("base64")}"}`, "something else than a text"],
    ['{"private_test_cases": "AAAA"}', "neither JSON nor compressed"],
  ])("%j is invalid: %s", (text, reason) => {
    expect(() => parse(text)).toThrow(InvalidGroundTruth);
    expect(() => parse(text)).toThrow(reason);
  });
});

describe("programs in responses", () => {
  const extract = (response: string) => extractProgram(response, { thinking: "closed-if-opened" });

  test("the last tagged block after the reasoning", () => {
    const response =
      "<think>```python\nprint(0)\n```</think>First\n```python\nprint(1)\n```\nbetter\n```python\nprint(2)\n```\nprints\n```\n2\n```\n";
    expect(extract(response)).toEqual({ found: true, source: "print(2)", language: "python" });
  });

  test.each([
    ["```\nprint(1)\n```", "print(1)", "python"],
    ["~~~~js\nlet a = `x`\n~~~\n~~~~", "let a = `x`\n~~~", "javascript"],
    ["```TypeScript\nlet a: number\n```", "let a: number", "typescript"],
    ["- a list\n  ```py\n  if x:\n      y()\n  ```", "if x:\n    y()", "python"],
    ["```python\r\nprint(1)\r\n```\r\n", "print(1)\r", "python"],
    ["```python\nprint('never closed')", "print('never closed')", "python"],
  ])("%j", (response, source, language) => {
    expect(extract(response)).toEqual({ found: true, source, language });
  });

  test("no program: none, another language, reasoning that never ends", () => {
    expect(extract("The answer is 4.")).toEqual({ found: false, reason: "no-program-found" });
    expect(extract("```cpp\nint main() {}\n```")).toEqual({ found: false, reason: "no-program-found" });
    expect(extract("<think>```python\nprint(1)\n```")).toEqual({ found: false, reason: "thinking-not-closed" });
    expect(extractProgram("```python\n1\n```", { thinking: "required" })).toEqual({ found: false, reason: "thinking-not-closed" });
  });
});

test("rewards have the number of all tests as denominator", () => {
  expect([codeReward(3, 4, "all"), codeReward(4, 4, "all")]).toEqual([0, 1]);
  expect([codeReward(3, 4, "fraction"), codeReward(1, 2, { power: 4 })]).toEqual([0.75, 0.0625]);
});
