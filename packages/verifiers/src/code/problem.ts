// The ground truth of a code problem: which of the known shapes it has, checked once.
import { parseExactJson, type Json } from "./exact-json.ts";
import { InvalidGroundTruth } from "./invalid-ground-truth.ts";
import { liveCodeBenchTests } from "./livecodebench.ts";

/** A problem as tests. `checker`: Python source whose `check(input, output, expected)` decides instead of the comparison. */
export type CodeProblem =
  | { readonly kind: "stdin"; readonly inputs: readonly string[]; readonly outputs: readonly string[]; readonly checker?: string }
  | {
      readonly kind: "calls";
      readonly functionName: string;
      /** Arguments of each call. */
      readonly inputs: readonly (readonly Json[])[];
      /** Accepted return values of each call. */
      readonly outputs: readonly (readonly Json[])[];
      readonly checker?: string;
    }
  /** Python test code with assertions; `entry`: the expression that `check(candidate)` gets. */
  | { readonly kind: "tests"; readonly prefix: string; readonly tests: readonly string[]; readonly entry?: string };

/** Longest ground truth, characters: LiveCodeBench's largest problem has about 100 million. */
const MAX_GROUND_TRUTH_CHARS = 400_000_000;

type Fields = Readonly<Record<string, Json>>;

/**
 * Reads a ground truth: JSON text of one of the shapes
 * `{inputs, outputs, fn_name?, checker?}` (an `input_output` around it is opened), `{import_prefix?, test_code, entry_point}`,
 * `{assert_case}` or a list of assertions, `{public_test_cases, private_test_cases, metadata}`. Keys whose value is empty count as absent.
 * @throws InvalidGroundTruth
 */
export function parseCodeProblem(groundTruth: string): CodeProblem {
  if (groundTruth.length > MAX_GROUND_TRUTH_CHARS) throw new InvalidGroundTruth("longer than any known one");
  const fields = presentFields(parseJson(groundTruth, "the ground truth"));
  if (fields["public_test_cases"] !== undefined || fields["private_test_cases"] !== undefined)
    return readInputOutput(liveCodeBenchTests(fields));
  if (fields["input_output"] !== undefined) {
    const inner = fields["input_output"];
    return readInputOutput(presentFields(typeof inner === "string" ? parseJson(inner, "input_output") : inner));
  }
  if (fields["test_code"] !== undefined) {
    const entry = fields["entry_point"];
    return {
      kind: "tests",
      prefix: text(fields, "import_prefix") ?? "",
      tests: [text(fields, "test_code")!],
      ...(entry === undefined ? {} : { entry: text(fields, "entry_point")! }),
    };
  }
  if (fields["assert_case"] !== undefined) {
    const cases = fields["assert_case"];
    return {
      kind: "tests",
      prefix: text(fields, "import_prefix") ?? "",
      tests: strings(typeof cases === "string" ? [cases] : cases, "assert_case"),
    };
  }
  if (fields["inputs"] !== undefined || fields["outputs"] !== undefined) return readInputOutput(fields);
  throw new InvalidGroundTruth(`none of the known shapes; its keys are ${Object.keys(fields).join(", ") || "none"}`);
}

function readInputOutput(fields: Fields): CodeProblem {
  const { inputs, outputs } = fields;
  if (!Array.isArray(inputs) || !Array.isArray(outputs))
    throw new InvalidGroundTruth("inputs and outputs must both be lists that are not empty");
  if (inputs.length !== outputs.length) throw new InvalidGroundTruth(`${inputs.length} inputs but ${outputs.length} outputs`);
  const checker = text(fields, "checker");
  const rest = checker === undefined ? {} : { checker };
  const functionName = text(fields, "fn_name");
  if (functionName !== undefined) {
    if (!/^[\p{ID_Start}_][\p{ID_Continue}]*$/u.test(functionName)) throw new InvalidGroundTruth("fn_name is no name");
    return { kind: "calls", functionName, inputs: inputs.map(callArguments), outputs: outputs.map(acceptedValues), ...rest };
  }
  return { kind: "stdin", inputs: inputs.map(lines), outputs: outputs.map(lines), ...rest };
}

/** One JSON value a line, or a list of the values themselves. */
function callArguments(input: Json, i: number): Json[] {
  if (Array.isArray(input)) return input;
  if (typeof input !== "string") return [input];
  const rows = input.split("\n").filter((row) => row.trim() !== "");
  try {
    return rows.map((row) => parseExactJson(row));
  } catch {
    // A value spread over several lines.
    return [parseJson(input, `inputs[${i}]`)];
  }
}

/** A JSON value as text, or the value itself; TACO and APPS put it into a list of one. */
function acceptedValues(output: Json, i: number): Json[] {
  if (typeof output === "string") return [parseJson(output, `outputs[${i}]`)];
  return Array.isArray(output) && output.length === 1 ? [output, output[0]!] : [output];
}

/** Text, or a list of its lines. */
function lines(value: Json): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.every((line) => typeof line === "string" || typeof line === "number")) return `${value.join("\n")}\n`;
  throw new InvalidGroundTruth("an input or output is neither a text nor a list of lines");
}

function presentFields(value: Json): Fields {
  if (Array.isArray(value) && value.length > 0) return { assert_case: strings(value, "the list") };
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new InvalidGroundTruth("not a JSON object");
  const present = Object.entries(value).filter(
    ([, content]) => content !== null && content !== "" && !(Array.isArray(content) && content.length === 0),
  );
  return Object.fromEntries(present);
}

function text(fields: Fields, key: string): string | undefined {
  const value = fields[key];
  if (value === undefined || typeof value === "string") return value;
  throw new InvalidGroundTruth(`${key} must be a text`);
}

function strings(value: Json, what: string): string[] {
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value as string[];
  throw new InvalidGroundTruth(`${what} must be a list of texts`);
}

function parseJson(source: string, what: string): Json {
  try {
    return parseExactJson(source);
  } catch {
    throw new InvalidGroundTruth(`${what} is no JSON`);
  }
}
