// Training steps of a model: gradients of micro-batches added up on the device, then one AdamW update.

import * as tf from "@tensorflow/tfjs-core";
import { adamWUpdate, clipFactor, globalNorm, orderAfter } from "@longcot/tensor-kernels";
import type { Compiled, State, TensorSpec, Variable } from "@longcot/tensor-kernels";
import { ConfigError, DataError, NumericError } from "@longcot/errors";
import type { TensorFile } from "../files/safetensors.ts";
import type { TensorSource } from "../files/write-safetensors.ts";
import type { ModelParameter } from "../model/model-parameters.ts";
import type { EngineModel, LanguageModel } from "../model/model.ts";
import { packTokens, packValues, unpack, unpackingIndices, unpackWide } from "../score/packing.ts";
import type { Packing } from "../score/packing.ts";
import type { LogitsSource } from "../score/distribution-terms.ts";
import { hiddenStates } from "../score/hidden-states.ts";
import type { HiddenStatesOptions } from "../score/hidden-states.ts";
import { sequenceLogProbs } from "../score/sequence-log-probs.ts";
import type { See } from "../score/token-values.ts";
import type { BatchLoss, LossInputKind, TokenLoss } from "./token-loss.ts";

export interface OptimizerOptions {
  betas: readonly [number, number];
  epsilon: number;
  /** Decoupled; matrices only. */
  weightDecay: number;
  /** Largest norm of all gradients together. */
  maxGradNorm: number;
}

/** One padded micro-batch. */
export interface MicroBatch<Inputs extends string> {
  rows: number;
  time: number;
  /** `[rows, time]`, sequences from time 0, padding on the right. */
  inputIds: Int32Array;
  inputs: Readonly<Record<Inputs, Float32Array>>;
  /** How the model sees these sequences, where several share a row: the same numbers in less time. Absent: as they are. */
  packing?: Packing | undefined;
  /** `[rows, time, k]`: the candidate tokens at each place, in [0, vocab); with a loss that has `candidates`. */
  candidateIds?: Int32Array;
}

export interface Trainer<Inputs extends string, Metrics extends string> {
  /** Updates applied so far. */
  readonly updates: number;
  /** Adds the gradients of one micro-batch; returns its loss and metrics. */
  accumulate(batch: MicroBatch<Inputs>): Promise<Record<"loss" | Metrics, number>>;
  /**
   * Updates the weights with what has been added up since the last call.
   * @throws NumericError, the weights unchanged, where the gradient is not finite; ConfigError where nothing was accumulated.
   */
  apply(learningRate: number): Promise<{ gradNorm: number }>;
  /** Moments of the optimizer, to be written beside the weights. */
  stateTensors(): TensorSource[];
  /** Goes on from moments that {@link stateTensors} gave, after `updates` updates. @throws DataError where they are another model's. */
  restore(file: TensorFile, updates: number): Promise<void>;
  /** Frees the optimizer's memory; the model stays. */
  close(): Promise<void>;
}

interface TrainedParameter extends ModelParameter {
  gradient: Variable;
  firstMoment: Variable;
  secondMoment: Variable;
}

let trainers = 0;

export interface TrainerOptions<Inputs extends string, Metrics extends string> extends UpdateOptions, ReferenceOption {
  loss: TokenLoss<Inputs, Metrics>;
  /** Divisor of the logits; default 1. */
  temperature?: number;
}

/** What a loss over distributions compares them with. */
export interface ReferenceOption {
  /** Its logits go to the loss's `distribution` terms; on the same engine, with the same tokens. It is never trained. Absent: none. */
  reference?: LanguageModel | undefined;
}

/** What every trainer takes beside its loss. */
export interface UpdateOptions {
  optimizer: OptimizerOptions;
  /** Whether a layer keeps only its input for the backward pass and runs once more in it: a third more time, far less memory. Default false. */
  gradientCheckpointing?: boolean;
}

/** Creates the optimizer's state for what is trainable in `model`, two moments and a gradient per weight, and compiles steps on first use of each shape. */
export async function createTrainer<Inputs extends string, Metrics extends string>(
  model: LanguageModel,
  { temperature = 1, ...options }: TrainerOptions<Inputs, Metrics>,
): Promise<Trainer<Inputs, Metrics>> {
  return createModelTrainer(model, {
    ...options,
    see: (weights, inputIds, seeing) => ({ ...sequenceLogProbs(model, weights, inputIds, { temperature, ...seeing }) }),
  });
}

/** The trainer of any model, whose loss sees what `see` computes. */
export async function createModelTrainer<Seen extends string, Inputs extends string, Metrics extends string>(
  model: EngineModel,
  options: UpdateOptions & ReferenceOption & { see: See<Seen>; loss: BatchLoss<Seen, Inputs, Metrics> },
): Promise<Trainer<Inputs, Metrics>> {
  const { see, loss, optimizer, reference, gradientCheckpointing = false } = options;
  const { engine } = model;
  const name = `trainer.${trainers++}`;
  const parameters: TrainedParameter[] = [];
  for (const parameter of model.trainable) {
    const own = (part: string) => engine.variable(`${name}/${part}/${parameter.name}`, { shape: parameter.shape, dtype: "float32" });
    parameters.push({
      ...parameter,
      gradient: await own("gradient"),
      firstMoment: await own("first_moment"),
      secondMoment: await own("second_moment"),
    });
  }
  const metricNames = Object.keys(loss.metrics) as Metrics[];
  const inputNames = Object.keys(loss.inputs) as Inputs[];
  const steps = new Map<string, Compiled<string, "loss" | Metrics>>();
  let updates = 0;
  let accumulated = 0;

  const gradientStep = ({ rows, time, packing }: MicroBatch<Inputs>): Compiled<string, "loss" | Metrics> => {
    const key = packing === undefined ? `${rows}x${time}` : `${rows}x${time}_in_${packing.rows}x${packing.time}`;
    const known = steps.get(key);
    if (known !== undefined) return known;
    const specs: Record<string, TensorSpec> = { keep: { shape: [], dtype: "float32" } };
    if (packing === undefined) specs["inputIds"] = { shape: [rows, time], dtype: "int32" };
    else {
      for (const input of ["inputIds", "positions"]) specs[input] = { shape: [packing.rows, packing.time], dtype: "int32" };
      specs["places"] = { shape: [rows, time], dtype: "int32" };
    }
    const k = loss.candidates;
    if (k !== undefined)
      specs["candidates"] = { shape: [...(packing === undefined ? [rows, time] : [packing.rows, packing.time]), k], dtype: "int32" };
    for (const input of inputNames) specs[`loss.${input}`] = { shape: shapeOf(loss.inputs[input], rows, time, k), dtype: "float32" };
    const step = engine.compile<string, "loss" | Metrics>(`${name}/gradients_${key}`, specs, (tensors, state) => {
      const metrics: Partial<Record<Metrics, tf.Tensor>> = {};
      const { positions, places, candidates } = tensors;
      const distribution = loss.distribution && {
        terms: loss.distribution,
        ...(reference && { reference: logitsSource(reference, tensors["inputIds"]!, { state, ...(positions && { positions }) }) }),
      };
      const lossOf = (...values: tf.Tensor[]): tf.Scalar => {
        const trained = new Map(parameters.map(({ variable }, i) => [variable, values[i]!]));
        const weights = model.weightsFrom(({ variable }) => trained.get(variable) ?? state.read(variable));
        const inputs = Object.fromEntries(inputNames.map((input) => [input, tensors[`loss.${input}`]!])) as Record<Inputs, tf.Tensor>;
        const { distribution: terms, ...seen } = see(weights, tensors["inputIds"]!, {
          gradientCheckpointing,
          ...(positions === undefined ? {} : { positions }),
          ...(candidates === undefined ? {} : { candidates }),
          ...(distribution && { distribution }),
        });
        const asGrid = (values: tf.Tensor): tf.Tensor =>
          places === undefined ? values : values.rank === 3 ? unpackWide(values as tf.Tensor3D, places) : unpack(values, places);
        const asGrids = <Name extends string>(values: Readonly<Record<Name, tf.Tensor>>) =>
          Object.fromEntries(Object.entries<tf.Tensor>(values).map(([key, value]) => [key, asGrid(value)])) as Record<Name, tf.Tensor2D>;
        const grids = asGrids(seen as unknown as Record<Seen, tf.Tensor2D>);
        const result = loss.evaluate({ ...grids, ...(terms && { distribution: asGrids(terms) }), inputs });
        // Differentiating frees what was made inside: hold the metrics until they are copied out.
        for (const metric of metricNames) metrics[metric] = tf.keep(result.metrics[metric].clone());
        return result.loss;
      };
      const { value, grads } = tf.valueAndGrads(lossOf)(parameters.map(({ variable }) => state.read(variable)));
      parameters.forEach(({ gradient }, i) => {
        // Not before it is needed: the sum so far would be copied for every weight at once.
        const soFar = orderAfter(state.read(gradient), grads[i]!);
        state.assign(gradient, tf.add(grads[i]!, tf.mul(soFar, tensors["keep"]!)));
      });
      const outputs = metricNames.map((metric) => {
        const copy = tf.clone(metrics[metric]!);
        metrics[metric]!.dispose();
        return [metric, copy] as const;
      });
      return { loss: value, ...Object.fromEntries(outputs) } as Record<"loss" | Metrics, tf.Tensor>;
    });
    steps.set(key, step);
    return step;
  };

  const norm = engine.compile(`${name}/norm`, {}, (_, state) => ({
    norm: globalNorm(parameters.map(({ gradient }) => state.read(gradient))),
  }));
  const scalar = { shape: [], dtype: "float32" } as const;
  const update = engine.compile(
    `${name}/update`,
    { step: scalar, learningRate: scalar, clip: scalar },
    ({ step, learningRate, clip }, state) => {
      const [beta1, beta2] = optimizer.betas;
      let last: tf.Tensor | undefined;
      for (const { variable, gradient, firstMoment, secondMoment, decayed } of parameters) {
        // One weight after the other: all at once would hold a copy of everything that a weight's update makes.
        const inTurn = (values: tf.Tensor): tf.Tensor => (last === undefined ? values : orderAfter(values, last));
        const next = adamWUpdate({
          parameter: inTurn(state.read(variable)),
          gradient: tf.mul(inTurn(state.read(gradient)), clip),
          firstMoment: inTurn(state.read(firstMoment)),
          secondMoment: inTurn(state.read(secondMoment)),
          step,
          learningRate,
          beta1,
          beta2,
          epsilon: optimizer.epsilon,
          weightDecay: decayed ? optimizer.weightDecay : 0,
        });
        state.assign(variable, next.parameter);
        state.assign(firstMoment, next.firstMoment);
        state.assign(secondMoment, next.secondMoment);
        last = next.parameter;
      }
      return {};
    },
  );
  const moments = parameters.flatMap(({ name: parameter, shape, firstMoment, secondMoment }) => [
    { name: `first_moment.${parameter}`, shape, variable: firstMoment },
    { name: `second_moment.${parameter}`, shape, variable: secondMoment },
  ]);

  return {
    get updates() {
      return updates;
    },
    async accumulate(batch) {
      const values: Record<string, Float32Array | Int32Array> = {
        ...modelInputs(batch, loss.candidates),
        keep: Float32Array.of(accumulated === 0 ? 0 : 1),
      };
      for (const input of inputNames) values[`loss.${input}`] = batch.inputs[input];
      const results = await gradientStep(batch)(values);
      accumulated++;
      return Object.fromEntries(Object.entries<ArrayLike<number>>(results).map(([key, value]) => [key, value[0]!])) as Record<
        "loss" | Metrics,
        number
      >;
    },
    async apply(learningRate) {
      if (accumulated === 0)
        throw new ConfigError({
          who: "Trainer.apply",
          expected: "gradients of at least one micro-batch",
          received: "none since the last update",
        });
      accumulated = 0;
      const gradNorm = (await norm({})).norm[0]!;
      if (!Number.isFinite(gradNorm)) {
        throw new NumericError({
          who: "Trainer.apply",
          argument: "gradient norm",
          expected: "finite",
          received: String(gradNorm),
          fix: "Lower the learning rate; the weights are as before this update",
        });
      }
      await update({
        step: Float32Array.of(updates + 1),
        learningRate: Float32Array.of(learningRate),
        clip: Float32Array.of(clipFactor(gradNorm, optimizer.maxGradNorm)),
      });
      updates++;
      return { gradNorm };
    },
    stateTensors: () =>
      moments.map(({ name: tensor, shape, variable }) => ({
        name: tensor,
        shape,
        data: async () => (await engine.read(variable)) as Float32Array,
      })),
    async restore(file, restoredUpdates) {
      for (const { name: tensor, shape, variable } of moments) {
        const entry = file.tensors.get(tensor);
        if (entry === undefined || entry.shape.join() !== shape.join()) {
          throw new DataError({
            who: file.path,
            argument: `tensor ${tensor}`,
            expected: `of shape [${shape.join(", ")}]`,
            received: entry === undefined ? "no such tensor" : `[${entry.shape.join(", ")}]`,
          });
        }
        await engine.write(variable, await file.readFloat32(tensor));
      }
      updates = restoredUpdates;
      accumulated = 0;
    },
    async close() {
      for (const { gradient, firstMoment, secondMoment } of parameters)
        for (const variable of [gradient, firstMoment, secondMoment]) await engine.release(variable);
    },
  };
}

/** Where the reference's logits of a batch come from, inside a compiled function. */
function logitsSource(
  reference: LanguageModel,
  inputIds: tf.Tensor,
  { state, ...seeing }: HiddenStatesOptions & { state: State },
): LogitsSource {
  const weights = reference.readWeights(state);
  return { hidden: hiddenStates(reference, weights, inputIds, seeing), unembedding: reference.architecture.unembedding(weights) };
}

/** What the model sees of a batch: its grid, or that packed. */
function modelInputs(
  { rows, time, inputIds, packing, candidateIds }: MicroBatch<string>,
  k: number | undefined,
): Record<string, Int32Array> {
  if ((k ?? 0) * rows * time !== (candidateIds?.length ?? 0))
    throw new ConfigError({
      who: "Trainer.accumulate",
      argument: "candidateIds",
      expected: k === undefined ? "absent, since the loss wants none" : `${rows} × ${time} × ${k} ids`,
      received: candidateIds === undefined ? "nothing" : `${candidateIds.length} ids`,
    });
  if (packing === undefined) return { inputIds, ...(candidateIds === undefined ? {} : { candidates: candidateIds }) };
  const packed = packTokens(packing, (sequence) => inputIds.subarray(sequence * time, sequence * time + packing.places[sequence]!.length));
  const places = unpackingIndices(packing, { rows, time });
  return {
    ...packed,
    places,
    ...(candidateIds === undefined ? {} : { candidates: packValues(packing, candidateIds, { time, width: k! }) }),
  };
}

function shapeOf(kind: LossInputKind, rows: number, time: number, candidates = 0): number[] {
  switch (kind) {
    case "token":
      return [rows, time];
    case "candidate":
      return [rows, time, candidates];
    case "row":
      return [rows];
    case "scalar":
      return [];
  }
}
