// Keys and values of sequences under way: two variables per layer, written in place, in a few sizes that are compiled once each.

import * as tf from "@tensorflow/tfjs-core";
import { cachedAttention, MASKED_SCORE, ownCopy, updateRows } from "@longcot/tensor-kernels";
import type { Compiled, Engine, State, Variable } from "@longcot/tensor-kernels";
import type { Attend } from "../architectures/architecture.ts";
import type { ModelConfig } from "../files/model-config.ts";
import type { LanguageModel } from "../model/language-model.ts";

/** Sequences held at once, and positions of each. */
export interface CacheSize {
  slots: number;
  capacity: number;
}

/** A cache of one size. Rows of the tables are `(slot · kvHeads + head) · capacity + position`, `[rows, headDim]`. */
export interface KeyValueCache {
  readonly size: CacheSize;
  /** Empties the cache: zeros, and its memory allocated. */
  reset: Compiled<never, never>;
  /** Takes the sequences `sources [slots] int32` of `other` as this cache's slots; positions beyond the shorter capacity are left out. */
  moveFrom(other: KeyValueCache): (sources: Int32Array) => Promise<void>;
  /** Gives the memory back until {@link reset} or {@link moveFrom}. */
  clear(): Promise<void>;
  readonly layers: readonly { key: Variable; value: Variable }[];
}

/** Creates the variables of a cache of `size` on `engine`, without memory until it is reset. */
export async function createKeyValueCache({ config, name: owner }: LanguageModel, engine: Engine, size: CacheSize): Promise<KeyValueCache> {
  const { slots, capacity } = size;
  const shape = [slots * config.keyValueHeads * capacity, config.headDim];
  const name = (layer: number, part: string) => `${owner}/cache/${slots}x${capacity}/${layer}/${part}`;
  const layers: { key: Variable; value: Variable }[] = [];
  for (let layer = 0; layer < config.layers; layer++) {
    layers.push({
      key: await engine.variable(name(layer, "key"), { shape, dtype: "float32" }),
      value: await engine.variable(name(layer, "value"), { shape, dtype: "float32" }),
    });
  }
  const tables = layers.flatMap(({ key, value }) => [key, value]);
  for (const table of tables) await engine.clear(table);
  const reset = engine.compile(`reset_cache_${slots}x${capacity}`, {}, (_, state) => {
    for (const table of tables) state.assign(table, ownCopy(tf.fill(shape, 0)));
    return {};
  });
  const moves = new Map<KeyValueCache, (sources: Int32Array) => Promise<void>>();
  return {
    size,
    layers,
    reset,
    moveFrom(other) {
      const known = moves.get(other);
      if (known !== undefined) return known;
      const compiled = compileMove(engine, config, other, { size, layers });
      const move = async (sources: Int32Array): Promise<void> => void (await compiled({ sources }));
      moves.set(other, move);
      return move;
    },
    async clear() {
      for (const table of tables) await engine.clear(table);
    },
  };
}

function compileMove(engine: Engine, config: ModelConfig, from: KeyValueCache, to: Pick<KeyValueCache, "size" | "layers">) {
  const kept = Math.min(from.size.capacity, to.size.capacity);
  const name = `move_cache_${from.size.slots}x${from.size.capacity}_${to.size.slots}x${to.size.capacity}`;
  return engine.compile(name, { sources: { shape: [to.size.slots], dtype: "int32" } }, ({ sources }, state) => {
    from.layers.forEach((layer, i) => {
      for (const part of ["key", "value"] as const) {
        const table = tf.reshape(state.read(layer[part]), [from.size.slots, config.keyValueHeads, from.size.capacity, config.headDim]);
        const used =
          kept === from.size.capacity
            ? table
            : tf.slice(table, [0, 0, 0, 0], [from.size.slots, config.keyValueHeads, kept, config.headDim]);
        const moved = tf.gather(used, sources as tf.Tensor1D);
        const padded =
          kept === to.size.capacity
            ? moved
            : tf.pad(moved, [
                [0, 0],
                [0, 0],
                [0, to.size.capacity - kept],
                [0, 0],
              ]);
        state.assign(to.layers[i]![part], tf.reshape(padded, [-1, config.headDim]));
      }
    });
    return {};
  });
}

/**
 * Attention of one new token per slot: its key and value are written at `positions`, and it sees the positions up to its own, the last
 * `slidingWindow` of them where the config has one.
 *
 * Shapes: `positions [slots] int32`; returns the attention of one layer's parts, with time 1 → `[slots, heads, 1, headDim]`.
 */
export function attendFromCache(cache: KeyValueCache, config: ModelConfig, state: State, positions: tf.Tensor): Attend {
  const { slots, capacity } = cache.size;
  const heads = slots * config.keyValueHeads;
  const starts = tf.tensor2d(
    Int32Array.from({ length: heads }, (_, head) => head * capacity),
    [slots, config.keyValueHeads],
    "int32",
  );
  const rows = tf.reshape(tf.add(starts, tf.reshape(positions, [slots, 1])), [heads]);
  const places = tf.tensor2d(
    Int32Array.from({ length: capacity }, (_, place) => place),
    [1, capacity],
    "int32",
  );
  const own = tf.reshape(positions, [slots, 1]);
  const later = tf.greater(places, own);
  const { slidingWindow = capacity } = config;
  const unseen =
    slidingWindow >= capacity ? later : tf.logicalOr(later, tf.lessEqual(places, tf.sub(own, tf.scalar(slidingWindow, "int32"))));
  const bias = tf.reshape(tf.mul(tf.cast(unseen, "float32"), MASKED_SCORE), [slots, 1, 1, capacity]);
  const store = (table: Variable, values: tf.Tensor): tf.Tensor => {
    const updated = updateRows(state.read(table), rows, tf.reshape(values, [heads, config.headDim]));
    state.assign(table, updated);
    return tf.reshape(updated, [slots, config.keyValueHeads, capacity, config.headDim]);
  };
  return (layer, { query, key, value }) => {
    const tables = cache.layers[layer]!;
    return cachedAttention({ query, key: store(tables.key, key), value: store(tables.value, value), bias });
  };
}

/**
 * Writes the keys and values of whole prompts, positions 0 … time − 1, into slots; several slots may take one prompt.
 *
 * Shapes: `key`, `value [prompts, kvHeads, time, headDim]`, `prompts [fill] int32` the prompt of each filled slot, `slots [fill] int32`.
 * A slot named twice must take the same prompt both times.
 */
export function fillFromPrompts(
  cache: KeyValueCache,
  config: ModelConfig,
  state: State,
  layer: number,
  { key, value, prompts, slots }: { key: tf.Tensor; value: tf.Tensor; prompts: tf.Tensor; slots: tf.Tensor },
): void {
  const { capacity } = cache.size;
  const { keyValueHeads, headDim } = config;
  const fill = slots.size;
  const time = key.shape[2]!;
  const within = Int32Array.from({ length: keyValueHeads * time }, (_, i) => Math.floor(i / time) * capacity + (i % time));
  const rows = tf.add(
    tf.mul(tf.reshape(slots, [fill, 1]), tf.scalar(keyValueHeads * capacity, "int32")),
    tf.tensor2d(within, [1, keyValueHeads * time], "int32"),
  );
  const flat = tf.reshape(rows, [fill * keyValueHeads * time]);
  for (const [part, values] of [
    ["key", key],
    ["value", value],
  ] as const) {
    const table = cache.layers[layer]![part];
    const perSlot = tf.reshape(tf.gather(values, prompts as tf.Tensor1D), [fill * keyValueHeads * time, headDim]);
    state.assign(table, updateRows(state.read(table), flat, perSlot));
  }
}
