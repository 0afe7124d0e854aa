// Every kernel's cases, one list: the tests of the eager backends and those of the compiling engine run the same.
import * as tf from "@tensorflow/tfjs-core";
import {
  adamWUpdate,
  applyRope,
  attention,
  blockAttention,
  cachedAttention,
  causalBias,
  clipByGlobalNorm,
  embed,
  greedyTokens,
  linear,
  linearParts,
  MASKED_SCORE,
  packedCausalBias,
  recomputed,
  rmsNorm,
  ropeTables,
  sampleTokens,
  swiglu,
  tokenLogProbs,
} from "../index.ts";
import { constantInput, normalInput, type KernelCase, type KernelInput } from "./kernel-case.ts";
import {
  adamWReference,
  attentionReference,
  dot,
  linearReference,
  rmsNormReference,
  ropeReference,
  rowsOf,
  sampleReference,
  entropyOf,
  softmax,
  swigluReference,
  tokenLogProbsReference,
} from "./references.ts";

const EXACT = { atol: 0, rtol: 0 };
const FLOAT32 = { atol: 2e-6, rtol: 2e-6 };

const HEADS = { batch: 2, heads: 4, kvHeads: 2, time: 5, keyTime: 5, headDim: 8 };
const SEGMENTS = [1, 1, 1, 2, 2, 3, 3, 0, 0, 0];
/** Row 0 packs sequences of three and two, row 1 sees three positions. */
const FIRST_KEYS = [0, 0, 0, 3, 3, 0, 0, 0, 1, 2];

function projections(stream: string, { batch, heads, kvHeads, time, keyTime, headDim }: typeof HEADS): KernelInput[] {
  return [
    normalInput(`${stream} query`, [batch, heads, time, headDim]),
    normalInput(`${stream} key`, [batch, kvHeads, keyTime, headDim]),
    normalInput(`${stream} value`, [batch, kvHeads, keyTime, headDim]),
  ];
}

const normCases: KernelCase[] = [
  {
    name: "rmsNorm of [2, 3, 8]",
    inputs: [normalInput("norm x", [2, 3, 8]), normalInput("norm weight", [8], { mean: 1, standardDeviation: 0.1 })],
    run: ([x, weight]) => [rmsNorm(x!, weight!, 1e-2)],
    reference: ([x, weight]) => [rmsNormReference(x!, weight!, 1e-2)],
    tolerance: FLOAT32,
  },
];

const linearCases: KernelCase[] = [
  {
    name: "linear with bias of [2, 3, 5]",
    inputs: [normalInput("linear x", [2, 3, 5]), normalInput("linear weight", [5, 4]), normalInput("linear bias", [4])],
    run: ([x, weight, bias]) => [linear(x!, weight!, bias)],
    reference: ([x, weight, bias]) => [linearReference(x!, weight!, bias!, 5)],
    tolerance: FLOAT32,
  },
  {
    name: "linear without bias of [7, 3]",
    inputs: [normalInput("linear x2", [7, 3]), normalInput("linear weight2", [3, 6])],
    run: ([x, weight]) => [linear(x!, weight!)],
    reference: ([x, weight]) => [linearReference(x!, weight!, [0, 0, 0, 0, 0, 0], 3)],
    tolerance: FLOAT32,
  },
  ...[2, 7].map((rows): KernelCase => ({
    name: `linearParts of ${rows} rows: ${rows < 4 ? "the product" : "the weight"} is cut`,
    inputs: [normalInput("parts x", [rows, 4]), normalInput("parts weight", [4, 5]), normalInput("parts bias", [5])],
    run: ([x, weight, bias]) => linearParts(x!, weight!, bias!, [2, 3]),
    reference: ([x, weight, bias]) => {
      const whole = rowsOf(linearReference(x!, weight!, bias!, 4), 5);
      return [whole.flatMap((row) => row.slice(0, 2)), whole.flatMap((row) => row.slice(2))];
    },
    tolerance: FLOAT32,
  })),
  {
    name: "recomputed: a product, a gate and a constant",
    inputs: [normalInput("recomputed x", [3, 4]), normalInput("recomputed weight", [4, 5]), constantInput("float32", [5], [1, 2, 3, 4, 5])],
    run: ([x, weight, scale]) => [
      recomputed(
        ([input, matrix], [factor]) =>
          tf.mul(
            recomputed(([y]) => swiglu(y!, y!), [linear(input!, matrix!)], []),
            factor!,
          ),
        [x!, weight!],
        [scale!],
      ),
    ],
    reference: ([x, weight, scale]) => {
      const product = linearReference(x!, weight!, [0, 0, 0, 0, 0], 4);
      return [swigluReference(product, product).map((value, i) => value * scale![i % 5]!)];
    },
    tolerance: FLOAT32,
  },
  {
    name: "swiglu of [2, 2, 5]",
    inputs: [normalInput("gate", [2, 2, 5], { standardDeviation: 3 }), normalInput("up", [2, 2, 5])],
    run: ([gate, up]) => [swiglu(gate!, up!)],
    reference: ([gate, up]) => [swigluReference(gate!, up!)],
    tolerance: FLOAT32,
  },
  {
    name: "embed with ids used twice and never",
    inputs: [normalInput("embedding", [6, 3]), constantInput("int32", [2, 4], [5, 0, 0, 2, 0, 5, 1, 1])],
    run: ([table, ids]) => [embed(table!, ids!)],
    reference: ([table, ids]) => [Array.from(ids!).flatMap((id) => rowsOf(table!, 3)[id]!)],
    tolerance: EXACT,
  },
];

const ropeFrequencies = (headDim: number, theta: number) => Array.from({ length: headDim / 2 }, (_, i) => theta ** ((-2 * i) / headDim));
const LONG_POSITIONS = [0, 1, 255, 256, 2047, 2048, 32767, 131071];
const ropeCases: KernelCase[] = [
  {
    name: "ropeTables up to position 131071",
    inputs: [constantInput("int32", [1, LONG_POSITIONS.length], LONG_POSITIONS)],
    run: ([positions]) => {
      const { cos, sin } = ropeTables(positions!, { inverseFrequencies: ropeFrequencies(16, 1e6), maxPositions: 131_072 });
      return [cos, sin];
    },
    reference: ([positions]) =>
      [(_: number, angle: number) => Math.cos(angle), (half: number, angle: number) => (half === 0 ? -1 : 1) * Math.sin(angle)].map((f) =>
        Array.from(positions!).flatMap((position) =>
          [0, 1].flatMap((half) => Array.from({ length: 8 }, (_, i) => f(half, position * 1e6 ** (-i / 8)))),
        ),
      ),
    tolerance: { atol: 3e-7, rtol: 0 },
  },
  {
    name: "applyRope of [2, 3, 4, 8]",
    inputs: [normalInput("rope", [2, 3, 4, 8]), constantInput("int32", [2, 4], [0, 1, 2, 3, 300, 301, 0, 7])],
    run: ([x, positions]) => [applyRope(x!, ropeTables(positions!, { inverseFrequencies: ropeFrequencies(8, 10_000), maxPositions: 302 }))],
    reference: ([x, positions]) => [ropeReference(x!, positions!, [2, 3, 4, 8], 10_000)],
    tolerance: FLOAT32,
  },
];

const attentionCases: KernelCase[] = [
  {
    name: "causalBias of 4, two positions seen",
    inputs: [],
    run: () => [causalBias(4, 2)],
    reference: () => [[0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0].map((masked) => masked * MASKED_SCORE)],
    tolerance: EXACT,
  },
  {
    name: "causalBias of 3",
    inputs: [],
    run: () => [causalBias(3)],
    reference: () => [[0, MASKED_SCORE, MASKED_SCORE, 0, 0, MASKED_SCORE, 0, 0, 0]],
    tolerance: EXACT,
  },
  {
    name: "packedCausalBias of two rows",
    inputs: [constantInput("int32", [2, 3], [1, 1, 2, 4, 0, 0])],
    run: ([segments]) => [packedCausalBias(segments!)],
    reference: () => [[0, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 1, 1, 0, 0].map((masked) => masked * MASKED_SCORE)],
    tolerance: EXACT,
  },
  {
    name: "attention, grouped and causal",
    inputs: projections("causal", HEADS),
    run: ([query, key, value]) => [attention({ query: query!, key: key!, value: value!, bias: causalBias(5) })],
    reference: ([query, key, value]) => [attentionReference([query!, key!, value!], HEADS, 1 / Math.sqrt(8), (_, t, s) => s <= t)],
    tolerance: FLOAT32,
  },
  {
    name: "attention, packed rows with padding",
    inputs: [...projections("packed", HEADS), constantInput("int32", [2, 5], SEGMENTS)],
    run: ([query, key, value, segments]) => [attention({ query: query!, key: key!, value: value!, bias: packedCausalBias(segments!) })],
    reference: ([query, key, value, segments]) => [
      attentionReference(
        [query!, key!, value!],
        HEADS,
        1 / Math.sqrt(8),
        (b, t, s) => s <= t && segments![b * 5 + s] === segments![b * 5 + t],
      ),
    ],
    tolerance: FLOAT32,
  },
  {
    name: "blockAttention, causal, grouped, the last block padded",
    inputs: projections("blocks", HEADS),
    run: ([query, key, value]) => [blockAttention({ query: query!, key: key!, value: value!, blockTime: 2 })],
    reference: ([query, key, value]) => [attentionReference([query!, key!, value!], HEADS, 1 / Math.sqrt(8), (_, t, s) => s <= t)],
    tolerance: FLOAT32,
  },
  {
    name: "blockAttention of one block",
    inputs: projections("one block", HEADS),
    run: ([query, key, value]) => [blockAttention({ query: query!, key: key!, value: value!, blockTime: 5 })],
    reference: ([query, key, value]) => [attentionReference([query!, key!, value!], HEADS, 1 / Math.sqrt(8), (_, t, s) => s <= t)],
    tolerance: FLOAT32,
  },
  {
    name: "blockAttention, packed rows and a sliding window",
    inputs: [...projections("first keys", HEADS), constantInput("int32", [2, 5], FIRST_KEYS)],
    run: ([query, key, value, firstKeys]) => [
      blockAttention({ query: query!, key: key!, value: value!, firstKeys: firstKeys!, blockTime: 2 }),
    ],
    reference: ([query, key, value, firstKeys]) => [
      attentionReference([query!, key!, value!], HEADS, 1 / Math.sqrt(8), (b, t, s) => s <= t && s >= firstKeys![b * 5 + t]!),
    ],
    tolerance: FLOAT32,
  },
  {
    name: "attention to a longer past, one key head, own scale",
    inputs: projections("past", { ...HEADS, kvHeads: 1, time: 2, keyTime: 7 }),
    run: ([query, key, value]) => [attention({ query: query!, key: key!, value: value!, scale: 0.25 })],
    reference: ([query, key, value]) => [
      attentionReference([query!, key!, value!], { ...HEADS, kvHeads: 1, time: 2, keyTime: 7 }, 0.25, () => true),
    ],
    tolerance: FLOAT32,
  },
];

const CACHE = { ...HEADS, time: 1, keyTime: 6 };
const CACHED = [4, 2];
const cacheCases: KernelCase[] = [
  {
    name: "cachedAttention, two query heads a key head, caches filled to 4 and 2",
    inputs: [
      ...projections("cached", CACHE),
      constantInput(
        "float32",
        [2, 1, 1, 6],
        CACHED.flatMap((filled) => Array.from({ length: 6 }, (_, place) => (place < filled ? 0 : MASKED_SCORE))),
      ),
    ].map((input) => ({ ...input, isDifferentiable: false })),
    run: ([query, key, value, bias]) => [cachedAttention({ query: query!, key: key!, value: value!, bias: bias! })],
    reference: ([query, key, value]) => [attentionReference([query!, key!, value!], CACHE, 1 / Math.sqrt(8), (b, _, s) => s < CACHED[b]!)],
    tolerance: FLOAT32,
  },
];

const TARGETS = [4, 0, 10, 10, 3, 7, 2];
const logProbCases: KernelCase[] = [
  { temperature: 1, chunkTokens: 7, label: "one chunk" },
  { temperature: 0.6, chunkTokens: 7, label: "one chunk, temperature 0.6" },
  { temperature: 0.6, chunkTokens: 3, label: "chunks of 3, 3 and 1, temperature 0.6" },
].map(({ label, ...options }) => ({
  name: `tokenLogProbs, ${label}`,
  inputs: [normalInput("hidden", [7, 6]), normalInput("unembedding", [11, 6]), constantInput("int32", [7], TARGETS)],
  run: ([hidden, unembedding, targets]) => {
    const { logProbs, entropies } = tokenLogProbs({
      hidden: hidden!,
      unembedding: unembedding!,
      targets: targets!,
      ...options,
    });
    return [logProbs, entropies];
  },
  reference: ([hidden, unembedding, targets]) => tokenLogProbsReference(hidden!, unembedding!, targets!, 6, options.temperature),
  tolerance: { atol: 5e-6, rtol: 2e-6 },
}));

const ADAMW = { learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
const adamWCases: KernelCase[] = [
  { step: 1, weightDecay: 0.1, fresh: true },
  { step: 250, weightDecay: 0, fresh: false },
].map(({ step, weightDecay, fresh }) => ({
  name: `adamWUpdate at step ${step} with decay ${weightDecay}`,
  inputs: [
    normalInput("parameter", [3, 4]),
    normalInput("gradient", [3, 4], { standardDeviation: 0.1 }),
    normalInput("first moment", [3, 4], { standardDeviation: fresh ? 0 : 0.1 }),
    normalInput("second moment", [3, 4], {
      mean: fresh ? 0 : 0.02,
      standardDeviation: fresh ? 0 : 0.001,
    }),
    constantInput("float32", [], [step]),
    constantInput("float32", [], [ADAMW.learningRate]),
  ].map((input) => ({ ...input, isDifferentiable: false })),
  run: ([parameter, gradient, firstMoment, secondMoment, stepTensor, learningRate]) => {
    const state = adamWUpdate({
      ...ADAMW,
      weightDecay,
      parameter: parameter!,
      gradient: gradient!,
      firstMoment: firstMoment!,
      secondMoment: secondMoment!,
      step: stepTensor!,
      learningRate: learningRate!,
    });
    return [state.parameter, state.firstMoment, state.secondMoment];
  },
  reference: ([parameter, gradient, firstMoment, secondMoment]) =>
    adamWReference([parameter!, gradient!, firstMoment!, secondMoment!], {
      ...ADAMW,
      step,
      weightDecay,
    }),
  tolerance: { atol: 1e-8, rtol: 1e-6 },
}));

const clipCases: KernelCase[] = [0.5, 100].map((maxNorm) => ({
  name: `clipByGlobalNorm to ${maxNorm}`,
  inputs: [normalInput("clip a", [3, 2]), normalInput("clip b", [4])].map((input) => ({
    ...input,
    isDifferentiable: false,
  })),
  run: (gradients) => {
    const clipped = clipByGlobalNorm(gradients, maxNorm);
    return [...clipped.gradients, clipped.norm];
  },
  reference: (gradients) => {
    const norm = Math.sqrt(gradients.reduce((sum, gradient) => sum + dot(gradient, gradient), 0));
    const factor = Math.min(1, maxNorm / (norm + 1e-6));
    return [...gradients.map((gradient) => Array.from(gradient, (value) => value * factor)), [norm]];
  },
  tolerance: FLOAT32,
}));

const UNIFORMS = [0, 0.13, 0.4, 0.61, 0.87, 1 - 2 ** -24];
const samplingCases: KernelCase[] = [
  { temperature: 1 },
  { temperature: 0.6 },
  { temperature: 1, topK: 4 },
  { temperature: 1.5, topP: 0.7 },
  { temperature: 1, topK: 6, topP: 0.8 },
  { temperature: 0.6, topK: 4, massOf: 3 },
].map((options) => ({
  name: `sampleTokens ${JSON.stringify(options)}`,
  inputs: [
    { ...normalInput("sample logits", [6, 12], { standardDeviation: 2 }), isDifferentiable: false },
    constantInput("float32", [6], UNIFORMS),
  ],
  run: ([logits, uniforms]) => {
    const { tokens, logProbs, entropies, topMasses } = sampleTokens({ logits: logits!, uniforms: uniforms!, ...options });
    return [tokens, logProbs, entropies, ...(topMasses === undefined ? [] : [topMasses])];
  },
  reference: ([logits, uniforms]) => sampleReference(logits!, uniforms!, 12, { topP: 1, topK: 12, ...options }),
  tolerance: FLOAT32,
}));

const greedyCases: KernelCase[] = [
  {
    name: "greedyTokens at temperature 0.5",
    inputs: [{ ...normalInput("greedy logits", [6, 12]), isDifferentiable: false }],
    run: ([logits]) => {
      const { tokens, logProbs, entropies } = greedyTokens({ logits: logits!, temperature: 0.5 });
      return [tf.cast(tokens, "float32"), logProbs, entropies];
    },
    reference: ([logits]) => {
      const rows = rowsOf(logits!, 12);
      const distributions = rows.map((row) => softmax(row.map((logit) => logit / 0.5)));
      return [
        rows.map((row) => row.indexOf(Math.max(...row))),
        distributions.map((p) => Math.log(Math.max(...p))),
        distributions.map(entropyOf),
      ];
    },
    tolerance: FLOAT32,
  },
];

/** All cases, in the order of the kernels' files. */
export const kernelCases: readonly KernelCase[] = [
  ...normCases,
  ...linearCases,
  ...ropeCases,
  ...attentionCases,
  ...cacheCases,
  ...logProbCases,
  ...adamWCases,
  ...clipCases,
  ...samplingCases,
  ...greedyCases,
];
