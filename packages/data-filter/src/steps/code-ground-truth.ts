// Ground truths of code problems: JSON of one of the shapes of tests that the verifier runs.
import { isRecord } from "../row-fields.ts";
import type { Fault } from "./check-schema.ts";

/**
 * The fault of a code ground truth. Keys with null values, which a table's common type leaves behind, are mended by leaving them out.
 * Shapes: `{inputs, outputs, fn_name?}`, `{import_prefix, test_code, entry_point}`, `{assert_case}`. Source: Skywork-OR1-RL-Data.
 */
export function checkCodeTests(text: string): Fault | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { kind: "ground-truth-not-json", detail: (error as Error).message };
  }
  if (!isRecord(value)) return { kind: "unknown-shape", detail: `tests are an object, got ${text.slice(0, 60)}` };
  const present = Object.fromEntries(Object.entries(value).filter(([, item]) => item !== null));
  const fault = testsFault(present);
  if (fault !== undefined) return fault;
  const removed = Object.keys(value).filter((key) => !(key in present));
  return removed.length === 0
    ? undefined
    : { kind: "null-filled-keys", detail: `without the null ${removed.join(", ")}`, groundTruth: JSON.stringify(present) };
}

function testsFault(tests: Readonly<Record<string, unknown>>): Fault | undefined {
  if ("inputs" in tests || "outputs" in tests) {
    const { inputs, outputs } = tests;
    if (!Array.isArray(inputs) || !Array.isArray(outputs)) return { kind: "unknown-shape", detail: "inputs and outputs must be lists" };
    if (inputs.length === 0 && outputs.length === 0) return { kind: "no-tests", detail: "inputs and outputs are empty" };
    if (inputs.length !== outputs.length) return { kind: "unequal-tests", detail: `${inputs.length} inputs, ${outputs.length} outputs` };
    return "fn_name" in tests ? callFault(tests["fn_name"]) : streamFault(inputs, outputs);
  }
  if ("test_code" in tests) {
    const missing = ["test_code", "entry_point"].filter((key) => typeof tests[key] !== "string" || (tests[key] as string).trim() === "");
    return missing.length === 0 ? undefined : { kind: "no-tests", detail: `${missing.join(" and ")} must be text` };
  }
  if ("assert_case" in tests) {
    const cases = tests["assert_case"];
    const usable = Array.isArray(cases) && cases.length > 0 && cases.every((assert) => typeof assert === "string" && assert.trim() !== "");
    return usable ? undefined : { kind: "no-tests", detail: "assert_case must be a list of statements" };
  }
  return { kind: "unknown-shape", detail: `none of inputs, test_code, assert_case among ${Object.keys(tests).join(", ") || "no keys"}` };
}

function callFault(name: unknown): Fault | undefined {
  return typeof name === "string" && name.trim() !== ""
    ? undefined
    : { kind: "unknown-shape", detail: `fn_name is the name of a function, got ${JSON.stringify(name)}` };
}

/** Of tests by standard input and output. */
function streamFault(inputs: readonly unknown[], outputs: readonly unknown[]): Fault | undefined {
  const place = inputs.findIndex((input, i) => input === null || outputs[i] === null);
  if (place >= 0) return { kind: "broken-tests", detail: `test ${place} has no ${inputs[place] === null ? "input" : "output"}` };
  return outputs.every((output) => typeof output === "string" && output.trim() === "")
    ? { kind: "broken-tests", detail: "every output is blank: a program that prints nothing passes" }
    : undefined;
}
