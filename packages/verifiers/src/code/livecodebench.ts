// LiveCodeBench's rows: public tests in clear, private ones as zlib-compressed pickles of JSON text, both lists of {input, output, testtype}.
import { inflateSync } from "node:zlib";
import { parseExactJson, type Json } from "./exact-json.ts";
import { InvalidGroundTruth } from "./invalid-ground-truth.ts";

/** Largest private tests once inflated, bytes: guards against a bomb; the data set's largest is a third of it. */
const MAX_INFLATED_BYTES = 400_000_000;

/** `{inputs, outputs, fn_name?}` of public then private tests. @throws InvalidGroundTruth */
export function liveCodeBenchTests(fields: Readonly<Record<string, Json>>): Record<string, Json> {
  const tests = [
    ...readTests(fields["public_test_cases"], "public_test_cases"),
    ...readTests(fields["private_test_cases"], "private_test_cases"),
  ];
  const metadata = typeof fields["metadata"] === "string" ? parse(fields["metadata"], "metadata") : fields["metadata"];
  const name = fields["fn_name"] ?? (isObject(metadata) ? metadata["func_name"] : undefined);
  const isFunctional = tests.some((test) => test["testtype"] === "functional");
  if (isFunctional && typeof name !== "string") throw new InvalidGroundTruth("functional tests without metadata.func_name");
  return {
    inputs: tests.map((test) => test["input"] ?? null),
    outputs: tests.map((test) => test["output"] ?? null),
    ...(isFunctional || (typeof name === "string" && tests.every((test) => test["testtype"] === undefined)) ? { fn_name: name! } : {}),
  };
}

function readTests(value: Json | undefined, key: string): Record<string, Json>[] {
  if (value === undefined) return [];
  let tests: Json = value;
  if (typeof value === "string") tests = value.trimStart().startsWith("[") ? parse(value, key) : parse(inflate(value, key), key);
  if (!Array.isArray(tests) || !tests.every(isObject)) throw new InvalidGroundTruth(`${key} must be a list of {input, output, testtype}`);
  return tests as Record<string, Json>[];
}

function inflate(text: string, key: string): string {
  let bytes: Buffer;
  try {
    bytes = inflateSync(Buffer.from(text, "base64"), { maxOutputLength: MAX_INFLATED_BYTES });
  } catch {
    throw new InvalidGroundTruth(`${key} is neither JSON nor compressed with zlib`);
  }
  return unpickleText(bytes, key);
}

/** The text in a pickle that holds one text and nothing else, of any protocol; no other pickle is read, let alone run. */
export function unpickleText(bytes: Buffer, key: string): string {
  const refuse = (): never => {
    throw new InvalidGroundTruth(`${key} holds a pickle of something else than a text`);
  };
  let at = 0;
  if (bytes[at] === PROTO) at += 2;
  if (bytes[at] === FRAME) at += 9;
  const opcode = bytes[at++];
  let length: number;
  if (opcode === SHORT_BINUNICODE) length = bytes[at++] ?? refuse();
  else if (opcode === BINUNICODE && at + 4 <= bytes.length) [length, at] = [bytes.readUInt32LE(at), at + 4];
  else if (opcode === BINUNICODE8 && at + 8 <= bytes.length) [length, at] = [Number(bytes.readBigUInt64LE(at)), at + 8];
  else return refuse();
  const end = at + length;
  const tail = [...bytes.subarray(end, end + 6)];
  const stops =
    tail[0] === MEMOIZE
      ? tail[1] === STOP
      : tail[0] === BINPUT
        ? tail[2] === STOP
        : tail[0] === LONG_BINPUT
          ? tail[5] === STOP
          : tail[0] === STOP;
  if (!stops) refuse();
  return bytes.toString("utf8", at, end);
}

const [PROTO, FRAME, SHORT_BINUNICODE, BINUNICODE, BINUNICODE8, MEMOIZE, BINPUT, LONG_BINPUT, STOP] = [
  0x80, 0x95, 0x8c, 0x58, 0x8d, 0x94, 0x71, 0x72, 0x2e,
];

function parse(text: string, what: string): Json {
  try {
    return parseExactJson(text);
  } catch {
    throw new InvalidGroundTruth(`${what} is no JSON`);
  }
}

function isObject(value: Json | undefined): value is Record<string, Json> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
