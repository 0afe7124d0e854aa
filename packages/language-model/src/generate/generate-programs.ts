// The compiled functions of generation, one per size: filling slots from prompts, and a few new tokens for every slot.

import * as tf from "@tensorflow/tfjs-core";
import { attention, causalBias, forLoop, greedyTokens, ownCopy, sampleTokens, updateRows } from "@longcot/tensor-kernels";
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

/** Most tokens that one call of a decode program adds to each slot: what a call costs beside its tokens is shared by so many, and as many less one may be made past a sequence's end. */
export const MOST_TURNS = 4;

type DecodeInputs = "tokens" | "positions" | "uniforms" | "turns";
type Chosen = "tokens" | "logProbs" | "entropies";
/** `topMasses` where the way of decoding has `massOf`. */
type Decode = (inputs: Record<DecodeInputs, EngineArray>) => Promise<Record<Chosen, EngineArray> & { topMasses?: EngineArray }>;
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
  readonly #decodes = new Map<KeyValueCache, Decode>();
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

  /**
   * `turns` tokens for every slot, at most {@link MOST_TURNS}, one after the other: `tokens`, `positions [slots] int32` (a token of each and its position),
   * `uniforms [MOST_TURNS, slots]` and `turns [] int32` go in; the next tokens, their log-probs and the entropies, `[MOST_TURNS, slots]` each, come out, rows from
   * `turns` on without meaning. The cache must have room for them; a slot past its room or the model's positions stays at its last, where what it makes means nothing.
   */
  decode(cache: KeyValueCache): Decode {
    const known = this.#decodes.get(cache);
    if (known !== undefined) return known;
    const { slots, capacity } = cache.size;
    const model = this.#model;
    const { config, architecture } = model;
    const lastPosition = Math.min(capacity, config.maxPositionEmbeddings) - 1;
    const tables = cache.layers.flatMap(({ key, value }) => [key, value]);
    const fields: readonly (keyof ChosenTokens)[] = [
      ...(["tokens", "logProbs", "entropies"] as const),
      ...(this.#decoding.kind === "sample" && this.#decoding.massOf !== undefined ? (["topMasses"] as const) : []),
    ];
    const column = (x: tf.Tensor) => tf.reshape(x, [slots, 1]);
    const perSlot = { shape: [slots], dtype: "int32" } as const;
    const decode: Decode = this.#engine.compile(
      `decode_${slots}x${capacity}`,
      {
        tokens: perSlot,
        positions: perSlot,
        uniforms: { shape: [MOST_TURNS, slots], dtype: "float32" },
        turns: { shape: [], dtype: "int32" },
      },
      ({ tokens, positions, uniforms, turns }, state) => {
        const weights = model.readWeights(state);
        // Ids are whole numbers below 2²⁴, which float32 holds exactly: one table takes all that is chosen.
        const records = ownCopy(tf.fill([MOST_TURNS, fields.length * slots], 0));
        const start = [tokens, positions, records, ...tables.map((table) => state.read(table))];
        const [, , written, ...filled] = forLoop({ from: 0, to: turns }, start, (index, [token, position, done, ...held]) => {
          const contents = new Map(tables.map((table, i) => [table, held[i]!]));
          const attend = attendFromCache(
            cache,
            config,
            { read: (table) => contents.get(table)!, assign: (table, value) => void contents.set(table, value) },
            position!,
          );
          const hidden = architecture.forward({ config, weights, inputIds: column(token!), positions: column(position!), attend });
          const logits = tf.matMul(hidden as tf.Tensor2D, architecture.unembedding(weights) as tf.Tensor2D, false, true);
          const turn = tf.reshape(index, [1]) as tf.Tensor1D;
          const chosen = this.#choose(logits, tf.reshape(tf.gather(uniforms, turn), [slots]));
          const record = tf.concat(fields.map((field) => tf.cast(chosen[field]!, "float32")));
          const next = tf.minimum(tf.add(position!, tf.scalar(1, "int32")), tf.scalar(lastPosition, "int32"));
          return [chosen.tokens, next, updateRows(done!, turn, tf.reshape(record, [1, -1])), ...contents.values()];
        });
        tables.forEach((table, i) => state.assign(table, filled[i]!));
        const columns = tf.split(written!, fields.length, 1);
        return Object.fromEntries(
          fields.map((field, i) => [field, tf.cast(columns[i]!, field === "tokens" ? "int32" : "float32")]),
        ) as Record<Chosen, tf.Tensor>;
      },
    );
    this.#decodes.set(cache, decode);
    return decode;
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
