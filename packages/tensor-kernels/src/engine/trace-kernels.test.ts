// Every kernel of the trace backend, one by one: what its graph computes against tfjs's plain JavaScript backend.
// The list of kernels here must be the list of kernels registered: a new trace kernel without a case fails.

import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { locateLibtensorflow } from "@longcot/libtensorflow";
import { expectClose } from "@longcot/vitest-config/close-to";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Engine, EngineArray, GraphDtype } from "./engine.ts";
import { orderAfter } from "./graph-ops.ts";
import { openEngine } from "./open-engine.ts";
import { TRACE_BACKEND } from "./trace-backend.ts";

/** A small tensor: element type, shape, row-major values. */
interface Sample {
  dtype: GraphDtype;
  shape: number[];
  values: EngineArray;
}

/** One call of one kernel; `expected` where the JavaScript backend has no kernel of that name. */
interface TraceCase {
  kernel: string;
  label: string;
  inputs: Record<string, Sample> | Sample[];
  attrs: Record<string, unknown>;
  expected?: Expected;
}

interface Expected {
  values: ArrayLike<number>[];
  /** Element type and shape of each output. */
  outputs: string[];
}

const f32 = (shape: number[], ...values: number[]): Sample => ({ dtype: "float32", shape, values: Float32Array.from(values) });
const i32 = (shape: number[], ...values: number[]): Sample => ({ dtype: "int32", shape, values: Int32Array.from(values) });
const bool = (shape: number[], ...values: number[]): Sample => ({ dtype: "bool", shape, values: Uint8Array.from(values) });

function kernelCase(
  kernel: string,
  label: string,
  inputs: TraceCase["inputs"],
  attrs: TraceCase["attrs"] = {},
  expected?: Expected,
): TraceCase {
  return { kernel, label, inputs, attrs, ...(expected && { expected }) };
}

const SIGNED = f32([2, 3], -2.5, -0.75, 0, 0.25, 1.5, 3);
const POSITIVE = f32([2, 3], 0.1, 0.5, 1, 1.5, 2.5, 7);
const ROW = f32([3], 0.5, -1.25, 2);
const INTEGERS = i32([2, 3], -7, -2, 0, 3, 5, 11);
const INTEGER_ROW = i32([3], 2, -3, 4);
const FLAGS = bool([2, 3], 1, 0, 1, 1, 0, 0);
const FLAG_ROW = bool([3], 1, 1, 0);
const ONE_HIGH = f32([1, 2, 3], 4, -1, 0.5, 3, -2, 8);
const CUBE = f32([2, 3, 2], 4, -1, 0.5, 3, -2, 8, 1, 6, -5, 2.5, 7, 0);

const binary = (kernels: string[], a: Sample, b: Sample, label: string) => kernels.map((kernel) => kernelCase(kernel, label, { a, b }));
const unary = (kernels: string[], x: Sample, label: string, attrs: TraceCase["attrs"] = {}) =>
  kernels.map((kernel) => kernelCase(kernel, label, { x }, attrs));

const ARITHMETIC = ["Add", "Sub", "Multiply", "Maximum", "Minimum", "SquaredDifference"];
const COMPARISONS = ["Greater", "GreaterEqual", "Less", "LessEqual", "Equal", "NotEqual"];
const NOT_A_NUMBER = f32([4], Number.NaN, Infinity, -Infinity, 1);

const elementwise: TraceCase[] = [
  ...binary([...ARITHMETIC, "RealDiv", "FloorDiv", "Mod", ...COMPARISONS], SIGNED, ROW, "float32, broadcast"),
  ...binary([...ARITHMETIC, "FloorDiv", "Mod", ...COMPARISONS], INTEGERS, INTEGER_ROW, "int32, broadcast"),
  ...binary(["Pow"], POSITIVE, ROW, "float32, broadcast"),
  ...binary(["Pow"], INTEGERS, i32([], 2), "int32, scalar exponent"),
  ...binary(["LogicalAnd", "LogicalOr", "Equal", "NotEqual"], FLAGS, FLAG_ROW, "bool, broadcast"),
  ...unary(["LogicalNot"], FLAGS, "bool"),
  ...unary(
    [
      "Neg",
      "Exp",
      "Expm1",
      "Square",
      "Sigmoid",
      "Tanh",
      "Sin",
      "Cos",
      "Abs",
      "Sign",
      "Floor",
      "Ceil",
      "Erf",
      "Relu",
      "Softplus",
      "ZerosLike",
      "OnesLike",
      "Identity",
    ],
    SIGNED,
    "float32",
  ),
  ...unary(["Log", "Log1p", "Rsqrt", "Sqrt", "Reciprocal"], POSITIVE, "positive float32"),
  ...unary(["Neg", "Square", "Abs", "ZerosLike", "OnesLike", "Identity"], INTEGERS, "int32"),
  ...unary(["Round"], f32([6], -2.5, -1.5, -0.4, 0.5, 1.5, 2.6), "halves go to the even number"),
  ...unary(["IsNan", "IsFinite", "IsInf"], NOT_A_NUMBER, "float32"),
  ...unary(["Step"], SIGNED, "gradient of relu", { alpha: 0 }),
  ...unary(["Step"], SIGNED, "leaky", { alpha: 0.25 }),
  ...unary(["Round"], INTEGERS, "int32"),
  ...unary(["Cast"], SIGNED, "float32 to int32", { dtype: "int32" }),
  ...unary(["Cast"], SIGNED, "float32 to bool", { dtype: "bool" }),
  ...unary(["Cast"], INTEGERS, "int32 to float32", { dtype: "float32" }),
  ...unary(["Cast"], FLAGS, "bool to int32", { dtype: "int32" }),
  ...unary(["Cast"], FLAGS, "to itself", { dtype: "bool" }),
  ...unary(["ClipByValue"], SIGNED, "float32", { clipValueMin: -1, clipValueMax: 1.25 }),
  kernelCase("Select", "float32", { condition: FLAGS, t: SIGNED, e: POSITIVE }),
  kernelCase("Select", "int32", { condition: FLAGS, t: INTEGERS, e: i32([2, 3], 1, 2, 3, 4, 5, 6) }),
  kernelCase("AddN", "three float32", [SIGNED, POSITIVE, SIGNED]),
  kernelCase("Softmax", "last axis", { logits: CUBE }, { dim: 2 }),
  kernelCase(
    "LogSoftmax",
    "two equal logits",
    { logits: f32([1, 2], 5, 5) },
    { axis: 1 },
    { values: [[-Math.LN2, -Math.LN2]], outputs: ["float32 [1, 2]"] },
  ),
];

const BATCH_A = f32([2, 2, 3], 1, 2, 3, 4, 5, 6, -1, 0.5, 2, 0, 3, -2);
const BATCH_B = f32([2, 3, 2], 1, 0, -1, 2, 3, 0.5, 2, 2, -3, 1, 0, 4);
const linearAlgebra: TraceCase[] = [
  kernelCase("BatchMatMul", "two products", { a: BATCH_A, b: BATCH_B }, { transposeA: false, transposeB: false }),
  kernelCase("BatchMatMul", "both transposed", { a: BATCH_B, b: BATCH_A }, { transposeA: true, transposeB: true }),
  kernelCase(
    "BatchMatMul",
    "batch of one",
    { a: f32([1, 2, 3], 1, 2, 3, 4, 5, 6), b: f32([1, 3, 1], 1, -1, 2) },
    { transposeA: false, transposeB: false },
  ),
  kernelCase(
    "BatchMatMul",
    "batch of one, transposed",
    { a: f32([1, 3, 2], 1, 2, 3, 4, 5, 6), b: f32([1, 1, 3], 1, -1, 2) },
    { transposeA: true, transposeB: true },
  ),
  kernelCase(
    "BatchMatMul",
    "one matrix for every batch",
    { a: BATCH_A, b: f32([1, 3, 2], 1, 2, 3, 4, 5, 6) },
    { transposeA: false, transposeB: false },
  ),
];

const reductions: TraceCase[] = [
  ...["Sum", "Mean", "Max", "Min", "Prod"].flatMap((kernel) => {
    const axes = (axis: number | number[]) => (kernel === "Max" || kernel === "Min" ? { reductionIndices: axis, axis } : { axis });
    return [
      kernelCase(kernel, "last axis", { x: CUBE }, { ...axes(2), keepDims: false }),
      kernelCase(kernel, "axis counted from the end, kept", { x: CUBE }, { ...axes(-2), keepDims: true }),
      kernelCase(kernel, "two axes", { x: CUBE }, { ...axes([0, 2]), keepDims: false }),
      kernelCase(kernel, "everything", { x: CUBE }, { ...axes([0, 1, 2]), keepDims: false }),
    ];
  }),
  ...["Sum", "Mean", "Max", "Min", "Prod"].map((kernel) =>
    kernelCase(kernel, "int32", { x: INTEGERS }, { axis: 1, reductionIndices: 1, keepDims: false }),
  ),
  ...["All", "Any"].flatMap((kernel) => [
    kernelCase(kernel, "last axis", { x: FLAGS }, { axis: 1, keepDims: false }),
    kernelCase(kernel, "first axis, kept", { x: FLAGS }, { axis: 0, keepDims: true }),
  ]),
  ...["ArgMax", "ArgMin"].flatMap((kernel) => [
    kernelCase(kernel, "middle axis", { x: CUBE }, { axis: 1 }),
    kernelCase(kernel, "int32, ties go to the first", { x: i32([2, 3], 5, 1, 5, 1, 1, 7) }, { axis: 1 }),
  ]),
  ...["Cumsum", "Cumprod"].flatMap((kernel) => [
    kernelCase(kernel, "along the last axis", { x: CUBE }, { axis: 2, exclusive: false, reverse: false }),
    kernelCase(kernel, "exclusive and reversed", { x: SIGNED }, { axis: 1, exclusive: true, reverse: true }),
    kernelCase(kernel, "int32", { x: INTEGERS }, { axis: 1, exclusive: false, reverse: false }),
  ]),
  kernelCase("TopK", "float32", { x: f32([2, 4], 3, 1, 4, 1.5, -9, 2, -6, 5) }, { k: 3, sorted: true }),
];

const shapes: TraceCase[] = [
  kernelCase("Reshape", "size left to be inferred", { x: CUBE }, { shape: [3, -1] }),
  kernelCase("ExpandDims", "in front", { input: SIGNED }, { dim: 0 }),
  kernelCase("ExpandDims", "at the end", { input: SIGNED }, { dim: -1 }),
  kernelCase("Transpose", "three axes", { x: CUBE }, { perm: [2, 0, 1] }),
  kernelCase("Transpose", "an axis of size 1 alone", { x: ONE_HIGH }, { perm: [1, 0, 2] }),
  kernelCase("Transpose", "others than the axis of size 1", { x: ONE_HIGH }, { perm: [0, 2, 1] }),
  kernelCase("Slice", "to the end", { x: CUBE }, { begin: [0, 1, 0], size: [2, -1, 1] }),
  kernelCase("SplitV", "unequal parts", { x: CUBE }, { numOrSizeSplits: [1, 2], axis: -2 }),
  kernelCase("SplitV", "two halves", { x: CUBE }, { numOrSizeSplits: 2, axis: 2 }),
  kernelCase("Concat", "last axis", [SIGNED, f32([2, 1], 9, 8), POSITIVE], { axis: 1 }),
  kernelCase("Concat", "int32, first axis", [INTEGERS, INTEGERS], { axis: 0 }),
  kernelCase("Pack", "first axis", [SIGNED, POSITIVE], { axis: 0 }),
  kernelCase("Pack", "middle axis", [SIGNED, POSITIVE], { axis: 1 }),
  kernelCase("Pack", "last axis", [SIGNED, POSITIVE], { axis: 2 }),
  kernelCase("Pack", "last axis, counted from the end", [SIGNED, POSITIVE], { axis: -1 }),
  kernelCase("Unpack", "middle axis", { value: CUBE }, { axis: 1 }),
  kernelCase("Unpack", "axis counted from the end", { value: CUBE }, { axis: -1 }),
  kernelCase(
    "PadV2",
    "float32",
    { x: SIGNED },
    {
      paddings: [
        [1, 0],
        [0, 2],
      ],
      constantValue: -1.5,
    },
  ),
  kernelCase(
    "PadV2",
    "int32",
    { x: INTEGERS },
    {
      paddings: [
        [0, 0],
        [1, 1],
      ],
      constantValue: 9,
    },
  ),
  kernelCase("Tile", "two axes", { x: SIGNED }, { reps: [2, 3] }),
  kernelCase(
    "BroadcastTo",
    "a row",
    { x: ROW },
    { shape: [2, 3], inputShape: [3] },
    { values: [[0.5, -1.25, 2, 0.5, -1.25, 2]], outputs: ["float32 [2, 3]"] },
  ),
  kernelCase("Reverse", "two axes", { x: CUBE }, { dims: [0, 2] }),
  kernelCase("Reverse", "axis counted from the end", { x: CUBE }, { dims: [-2] }),
  kernelCase("Fill", "float32", {}, { shape: [2, 2], value: 0.75, dtype: "float32" }),
  kernelCase("Fill", "int32", {}, { shape: [3], value: -4, dtype: "int32" }),
];

const indexing: TraceCase[] = [
  kernelCase("GatherV2", "rows, one of them twice", { x: SIGNED, indices: i32([3], 1, 0, 1) }, { axis: 0, batchDims: 0 }),
  kernelCase("GatherV2", "inner axis, indices of two dimensions", { x: CUBE, indices: i32([2, 2], 2, 0, 1, 1) }, { axis: 1, batchDims: 0 }),
  kernelCase("GatherV2", "own indices for every batch", { x: CUBE, indices: i32([2, 2], 2, 0, 1, 1) }, { axis: 1, batchDims: 1 }),
  kernelCase("GatherNd", "single elements", { params: CUBE, indices: i32([2, 3], 0, 1, 1, 1, 2, 0) }),
  kernelCase("GatherNd", "slices", { params: CUBE, indices: i32([2, 1], 1, 0) }),
  kernelCase(
    "ScatterNd",
    "an index given twice adds up",
    { indices: i32([3, 1], 2, 0, 2), updates: f32([3, 2], 1, 2, 3, 4, 5, 6) },
    { shape: [4, 2] },
  ),
  kernelCase("TensorScatterUpdate", "two rows", {
    tensor: f32([3, 2], 1, 2, 3, 4, 5, 6),
    indices: i32([2, 1], 2, 0),
    updates: f32([2, 2], 7, 8, 9, 10),
  }),
  kernelCase(
    "UnsortedSegmentSum",
    "an empty segment is zero",
    { x: f32([3, 2], 1, 2, 3, 4, 5, 6), segmentIds: i32([3], 3, 0, 3) },
    { numSegments: 4 },
  ),
  kernelCase("OneHot", "int32", { indices: i32([3], 2, 0, 1) }, { depth: 3, onValue: 1, offValue: 0, dtype: "int32" }),
  kernelCase(
    "OneHot",
    "float32, an index outside lights nothing",
    { indices: i32([2, 2], 1, 4, 0, 2) },
    { depth: 3, onValue: 0.5, offValue: -0.5, dtype: "float32" },
  ),
];

const SAME_ROW: Expected = { values: [ROW.values], outputs: ["float32 [3]"] };
const ofTheGraphOnly: TraceCase[] = [
  kernelCase("OrderAfter", "value unchanged", { x: ROW, previous: SIGNED }, {}, SAME_ROW),
  kernelCase("HeldUntil", "value unchanged", { x: ROW, previous: SIGNED }, {}, SAME_ROW),
  kernelCase(
    "FilledAfter",
    "a constant",
    { previous: SIGNED },
    { shape: [3], value: 2 },
    { values: [[2, 2, 2]], outputs: ["float32 [3]"] },
  ),
  kernelCase("OwnCopy", "value unchanged", { x: ROW }, {}, SAME_ROW),
  kernelCase(
    "UpdateRows",
    "two rows of a copy",
    { table: f32([3, 1], 1, 2, 3), rows: i32([2], 2, 0), values: f32([2, 1], 7, 8) },
    {},
    { values: [[8, 2, 7]], outputs: ["float32 [3, 1]"] },
  ),
  kernelCase(
    "SwapHalves",
    "of two rows",
    { x: f32([2, 4], 1, 2, 3, 4, 5, 6, 7, 8) },
    {},
    { values: [[3, 4, 1, 2, 7, 8, 5, 6]], outputs: ["float32 [2, 4]"] },
  ),
];

/** Kernels that exist to refuse: with what they say. */
const REFUSED = [
  kernelCase("SearchSorted", "sorted rows", { sortedSequence: f32([1, 3], 1, 2, 3), values: f32([1, 1], 2) }, { side: "left" }),
];

const CASES: TraceCase[] = [...elementwise, ...linearAlgebra, ...reductions, ...shapes, ...indexing, ...ofTheGraphOnly];
const TOLERANCE = { atol: 1e-6, rtol: 2e-6 };
const NAMES = "abcdefgh";

/** The kernel on whatever backend is active; inputs in the order of {@link samplesOf}. */
function runKernel({ kernel, inputs, attrs }: TraceCase, tensors: tf.Tensor[]): tf.Tensor[] {
  const given = Array.isArray(inputs) ? tensors : Object.fromEntries(Object.keys(inputs).map((key, i) => [key, tensors[i]!]));
  const result = tf.engine().runKernel(kernel, given as tf.NamedTensorMap, attrs as tf.NamedAttrMap) as tf.Tensor | tf.Tensor[];
  return Array.isArray(result) ? result : [result];
}

const samplesOf = ({ inputs }: TraceCase): Sample[] => (Array.isArray(inputs) ? inputs : Object.values(inputs));
const described = (tensors: tf.Tensor[]) => tensors.map(({ shape, dtype }) => `${dtype} [${shape.join(", ")}]`);

/** Values, shapes and element types by tfjs's own JavaScript kernels. */
function onCpu(entry: TraceCase): Expected {
  void tf.setBackend("cpu");
  return tf.tidy(() => {
    const outputs = runKernel(
      entry,
      samplesOf(entry).map(({ values, shape, dtype }) => tf.tensor(values, shape, dtype)),
    );
    return { values: outputs.map((output) => output.dataSync()), outputs: described(outputs) };
  }) as never;
}

test("every registered trace kernel has a case, and no case is of another", () => {
  const registered = tf.getKernelsForBackend(TRACE_BACKEND).map(({ kernelName }) => kernelName);
  const tested = new Set([...CASES, ...REFUSED].map(({ kernel }) => kernel));
  expect([...tested].toSorted()).toEqual(registered.toSorted());
});

const hasLibtensorflow = locateLibtensorflow() !== undefined;
if (!hasLibtensorflow) console.warn("skipped: trace kernels as TensorFlow graphs (no libtensorflow on this machine)");

describe.skipIf(!hasLibtensorflow).each([{ xla: false }, { xla: true }])("trace kernels as TensorFlow graphs, xla $xla", ({ xla }) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine({ engine: "tensorflow", threads: 1, xla });
  });
  afterAll(() => engine.close());

  /** Compiles the case with its inputs named a, b, … */
  function compile(entry: TraceCase) {
    const samples = samplesOf(entry);
    const traced: string[] = [];
    const specs = Object.fromEntries(samples.map(({ shape, dtype }, i) => [NAMES[i]!, { shape, dtype }]));
    const run = engine.compile(entry.kernel, specs, (tensors) => {
      const outputs = runKernel(
        entry,
        samples.map((_, i) => tensors[NAMES[i]!]!),
      );
      // XLA's is thrown away and traced anew for TensorFlow where XLA cannot have it.
      traced.splice(0, Infinity, ...described(outputs));
      // Behind a node of its own: TensorFlow refuses to fetch what it is fed, and some kernels return their input.
      return Object.fromEntries(outputs.map((output, i) => [`output${i}`, orderAfter(output, output)]));
    });
    return { traced, run: () => run(Object.fromEntries(samples.map(({ values }, i) => [NAMES[i]!, values]))) };
  }

  test.each(CASES)("$kernel: $label", async (entry) => {
    const { traced, run } = compile(entry);
    const outputs = Object.values<EngineArray>(await run());
    const expected = entry.expected ?? onCpu(entry);
    expect(traced).toEqual(expected.outputs);
    expected.values.forEach((values, i) => expectClose(outputs[i]!, values, TOLERANCE, `output ${i}`));
  });

  test.each(REFUSED)("$kernel is refused by name", (entry) => {
    expect(() => compile(entry)).toThrow(/compile: searchSorted must be a kernel that the trace backend has/);
  });
});
