// The compiled functions of generation, one per size: filling slots from prompts, and one new token for every slot.

import * as tf from "@tensorflow/tfjs-core";
import { attention, causalBias, greedyTokens, sampleTokens } from "@longcot/tensor-kernels";
import type { ChosenTokens, Compiled, Engine, EngineArray } from "@longcot/tensor-kernels";
import type { LanguageModel } from "../model/language-model.ts";
import { attendFromCache, createKeyValueCache, fillFromPrompts } from "./key-value-cache.ts";
import type { CacheSize, KeyValueCache } from "./key-value-cache.ts";

/** How the next token is chosen. */
export type Decoding =
  | { kind: "greedy" }
  | {
      kind: "sample";
      /** Divisor of the logits, > 0. */
      temperature: number;
      /** In (0, 1]; 1 keeps all. */
      topP: number;
      /** 0 keeps all. */
      topK: number;
      /** Also measure the probability together of so many likeliest tokens; absent: not. */
      massOf?: number;
    };

type DecodeInputs = "tokens" | "positions" | "uniforms";
type Chosen = "tokens" | "logProbs" | "entropies";
/** `topMasses` where the way of decoding has `massOf`. */
type DecodeStep = (inputs: Record<DecodeInputs, EngineArray>) => Promise<Record<Chosen, EngineArray> & { topMasses?: EngineArray }>;
type FillSlots = Compiled<"ids" | "prompts" | "slots", never>;

/** Sizes of one prompt pass. */
export interface FillSize {
  /** Distinct prompts. */
  prompts: number;
  /** Tokens of the longest, padded. */
  time: number;
  /** Slots filled. */
  slots: number;
}

/** Everything compiled so far for one model on one engine and one way of decoding; sizes are compiled on first use and kept. */
export class GeneratePrograms {
  readonly #model: LanguageModel;
  readonly #engine: Engine;
  readonly #decoding: Decoding;
  readonly #caches: Map<string, Promise<KeyValueCache>>;
  readonly #decodes = new Map<KeyValueCache, DecodeStep>();
  readonly #fills = new Map<string, FillSlots>();

  /** `engine` is the model's or a lane of it; `caches` is shared by all programs of one model on it. */
  constructor(model: LanguageModel, engine: Engine, decoding: Decoding, caches: Map<string, Promise<KeyValueCache>>) {
    this.#model = model;
    this.#engine = engine;
    this.#decoding = decoding;
    this.#caches = caches;
  }

  cache(size: CacheSize): Promise<KeyValueCache> {
    const key = `${size.slots}x${size.capacity}`;
    let cache = this.#caches.get(key);
    if (cache === undefined) {
      cache = createKeyValueCache(this.#model, this.#engine, size);
      this.#caches.set(key, cache);
    }
    return cache;
  }

  /** One token for every slot: `tokens`, `positions [slots] int32` go in (a token and its position), the next token, its log-prob and the entropy come out. */
  decode(cache: KeyValueCache): DecodeStep {
    const known = this.#decodes.get(cache);
    if (known !== undefined) return known;
    const { slots, capacity } = cache.size;
    const model = this.#model;
    const spec = { shape: [slots], dtype: "int32" } as const;
    const step: DecodeStep = this.#engine.compile(
      `decode_${slots}x${capacity}`,
      { tokens: spec, positions: spec, uniforms: { shape: [slots], dtype: "float32" } },
      ({ tokens, positions, uniforms }, state) => {
        const weights = model.readWeights(state);
        const attend = attendFromCache(cache, model.config, state, positions);
        const column = (x: tf.Tensor) => tf.reshape(x, [slots, 1]);
        const hidden = model.architecture.forward({
          config: model.config,
          weights,
          inputIds: column(tokens),
          positions: column(positions),
          attend,
        });
        const logits = tf.matMul(hidden as tf.Tensor2D, model.architecture.unembedding(weights) as tf.Tensor2D, false, true);
        return { ...this.#choose(logits, uniforms) } as Record<Chosen, tf.Tensor>;
      },
      { inSequence: true },
    );
    this.#decodes.set(cache, step);
    return step;
  }

  /** Runs prompts through the model and leaves their keys and values in the cache: `ids [prompts, time]`, `prompts`, `slots [slots] int32`. */
  fill(cache: KeyValueCache, size: FillSize): FillSlots {
    const key = `${cache.size.slots}x${cache.size.capacity}|${size.prompts}x${size.time}|${size.slots}`;
    const known = this.#fills.get(key);
    if (known !== undefined) return known;
    const model = this.#model;
    const { config } = model;
    const inputs = {
      ids: { shape: [size.prompts, size.time], dtype: "int32" },
      prompts: { shape: [size.slots], dtype: "int32" },
      slots: { shape: [size.slots], dtype: "int32" },
    } as const;
    const fill: FillSlots = this.#engine.compile(`fill_${key.replaceAll("|", "_")}`, inputs, ({ ids, prompts, slots }, state) => {
      // Padding may lie beyond the model's positions; nothing sees it.
      const lastPosition = config.maxPositionEmbeddings - 1;
      const positions = tf.tensor2d(
        Int32Array.from({ length: size.prompts * size.time }, (_, i) => Math.min(i % size.time, lastPosition)),
        [size.prompts, size.time],
        "int32",
      );
      const bias = causalBias(size.time, config.slidingWindow);
      model.architecture.forward({
        config,
        weights: model.readWeights(state),
        inputIds: ids,
        positions,
        attend: (layer, parts) => {
          fillFromPrompts(cache, config, state, layer, { key: parts.key, value: parts.value, prompts, slots });
          return attention({ ...parts, bias });
        },
      });
      return {};
    });
    this.#fills.set(key, fill);
    return fill;
  }

  #choose(logits: tf.Tensor, uniforms: tf.Tensor): ChosenTokens {
    if (this.#decoding.kind === "greedy") return greedyTokens({ logits });
    const { temperature, topP, topK, massOf } = this.#decoding;
    return sampleTokens({
      logits,
      uniforms,
      temperature,
      topP,
      ...(topK > 0 ? { topK } : {}),
      ...(massOf === undefined ? {} : { massOf }),
    });
  }
}
