// One suite over every engine of this machine: variables, compiled functions, gradients, order and errors.

import * as tf from "@tensorflow/tfjs-core";
import { locateEagerBinding, locateLibtensorflow } from "@longcot/libtensorflow";
import { expectClose } from "@longcot/vitest-config/close-to";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Engine } from "./engine.ts";
import { orderAfter, ownCopy, updateRows } from "./graph-ops.ts";
import { openEngine } from "./open-engine.ts";

const engines = [
  ...(locateLibtensorflow() === undefined ? [] : (["tensorflow"] as const)),
  ...(locateEagerBinding() === undefined ? [] : (["tensorflow-eager"] as const)),
  "wasm",
] as const;

describe.each(engines)("engine %s", (choice) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine({ engine: choice, threads: 2 });
  });
  afterAll(() => engine.close());

  test("names itself", () => {
    expect(engine.kind).toBe(choice);
    expect(engine.description).toMatch(choice === "wasm" ? /WebAssembly/ : /TensorFlow 2\.\d+/);
  });

  test("a variable keeps what is written", async () => {
    const variable = await engine.variable("kept", { shape: [2, 3], dtype: "float32" });
    expect([...(await engine.read(variable))]).toEqual([0, 0, 0, 0, 0, 0]);
    await engine.write(variable, Float32Array.of(1, 2, 3, 4, 5, 6));
    expect([...(await engine.read(variable))]).toEqual([1, 2, 3, 4, 5, 6]);
    await expect(engine.variable("kept", { shape: [1], dtype: "float32" })).rejects.toThrow(/a name not in use/);
    await engine.release(variable);
    await expect(engine.read(variable)).rejects.toThrow(/a variable of this engine/);
  });

  test("a cleared variable comes back with the next assignment", async () => {
    const scratch = await engine.variable("scratch", { shape: [2], dtype: "float32" }, Float32Array.of(1, 2));
    const fill = engine.compile("fill", {}, (_, state) => {
      state.assign(scratch, tf.ones([2]));
      return {};
    });
    await engine.clear(scratch);
    await expect(engine.read(scratch)).rejects.toThrow(/scratch/);
    await fill({});
    expect([...(await engine.read(scratch))]).toEqual([1, 1]);
  });

  test("one gradient step of least squares, by hand: w - 0.1 * 2x(xw - y)", async () => {
    const weight = await engine.variable("weight", { shape: [2, 1], dtype: "float32" }, Float32Array.of(1, -1));
    const step = engine.compile(
      "step",
      { x: { shape: [1, 2], dtype: "float32" }, y: { shape: [1, 1], dtype: "float32" } },
      ({ x, y }, state) => {
        const before = state.read(weight);
        const loss = (w: tf.Tensor) => tf.sum(tf.square(tf.sub(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D), y))) as tf.Scalar;
        const { value, grads } = tf.valueAndGrads(loss)([before]);
        state.assign(weight, tf.sub(before, tf.mul(grads[0]!, 0.1)));
        return { loss: value, seenAfter: state.read(weight) };
      },
    );
    // xw - y = 2 - 3 - 1 = -2; gradient 2 * (-2) * [2, 3] = [-8, -12]
    const { loss, seenAfter } = await step({ x: Float32Array.of(2, 3), y: Float32Array.of(1) });
    expectClose(loss, [4], { atol: 1e-6 });
    expectClose(seenAfter, [1.8, 0.2], { atol: 1e-6 });
    expectClose(await engine.read(weight), [1.8, 0.2], { atol: 1e-6 });
  });

  test("calls made at once run one after the other", async () => {
    const counter = await engine.variable("counter", { shape: [], dtype: "float32" });
    const increment = engine.compile("increment", {}, (_, state) => {
      state.assign(counter, tf.add(state.read(counter), 1));
      return { value: state.read(counter) };
    });
    const seen = await Promise.all([increment({}), increment({}), increment({})]);
    expect(seen.map(({ value }) => value[0])).toEqual([1, 2, 3]);
  });

  test("a variable of integers", async () => {
    const counter = await engine.variable("integers", { shape: [2], dtype: "int32" }, Int32Array.of(1, 2));
    const double = engine.compile("double", {}, (_, state) => {
      state.assign(counter, tf.mul(state.read(counter), tf.scalar(2, "int32")));
      return {};
    });
    await double({});
    expect(await engine.read(counter)).toEqual(Int32Array.of(2, 4));
  });

  test("rows are written where they should be, twice in a row", async () => {
    const table = await engine.variable("table", { shape: [4, 2], dtype: "float32" });
    const write = engine.compile(
      "write",
      { rows: { shape: [2], dtype: "int32" }, values: { shape: [2, 2], dtype: "float32" } },
      ({ rows, values }, state) => {
        const updated = updateRows(state.read(table), rows, values);
        state.assign(table, updated);
        return { sum: tf.sum(updated) };
      },
    );
    await write({ rows: Int32Array.of(3, 0), values: Float32Array.of(1, 2, 3, 4) });
    const { sum } = await write({ rows: Int32Array.of(1, 3), values: Float32Array.of(5, 6, 7, 8) });
    expect([...(await engine.read(table))]).toEqual([3, 4, 5, 6, 0, 0, 7, 8]);
    expect(sum[0]).toBe(33);
  });

  test("two tables that start alike are written apart", async () => {
    const spec = { shape: [2, 1], dtype: "float32" } as const;
    const [left, right] = [await engine.variable("left", spec), await engine.variable("right", spec)];
    const reset = engine.compile("reset", {}, (_, state) => {
      for (const table of [left, right]) state.assign(table, ownCopy(tf.zeros([2, 1])));
      return {};
    });
    const write = engine.compile("write_left", { values: { shape: [1, 1], dtype: "float32" } }, ({ values }, state) => {
      state.assign(left, updateRows(state.read(left), tf.tensor1d([1], "int32"), values));
      return {};
    });
    await reset({});
    await write({ values: Float32Array.of(7) });
    expect([...(await engine.read(left))]).toEqual([0, 7]);
    expect([...(await engine.read(right))]).toEqual([0, 0]);
    await reset({});
    expect([...(await engine.read(left))]).toEqual([0, 0]);
  });

  test("integers, booleans and several outputs survive", async () => {
    const f = engine.compile("mixed", { n: { shape: [3], dtype: "int32" }, keep: { shape: [3], dtype: "bool" } }, ({ n, keep }) => ({
      doubled: orderAfter(tf.mul(n, tf.scalar(2, "int32")), keep),
      kept: tf.logicalNot(keep),
      largest: tf.argMax(n, 0),
    }));
    const { doubled, kept, largest } = await f({ n: Int32Array.of(5, 9, -1), keep: Uint8Array.of(1, 0, 1) });
    expect(doubled).toEqual(Int32Array.of(10, 18, -2));
    expect([...kept]).toEqual([0, 1, 0]);
    expect([...largest]).toEqual([1]);
  });

  test("a wrong input is named", async () => {
    const f = engine.compile("picky", { x: { shape: [2], dtype: "float32" } }, ({ x }) => ({ y: tf.neg(x) }));
    await expect(async () => f({ x: Float32Array.of(1) })).rejects.toThrow(
      "engine: picky.x must be Float32Array of 2 (float32 [2]), got Float32Array of 1",
    );
    await expect(async () => f({ x: new Float32Array(2), z: new Float32Array(1) } as never)).rejects.toThrow(/picky: z must be one of x/);
  });
});

describe.runIf(engines.includes("tensorflow" as never))("tracing", () => {
  test("refuses what a graph cannot do, by name", async () => {
    const engine = await openEngine({ engine: "tensorflow" });
    const reads = () => engine.compile("reads", {}, () => ({ x: tf.tensor(tf.scalar(1).dataSync()) }));
    expect(reads).toThrow(/never reads a tensor's value/);
    const lacks = () =>
      engine.compile("lacks", { x: { shape: [1, 4, 4, 1], dtype: "float32" } }, ({ x }) => ({
        y: tf.maxPool(x as tf.Tensor4D, 2, 2, "valid"),
      }));
    expect(lacks).toThrow(/MaxPool/);
    await engine.close();
    await expect(engine.variable("late", { shape: [], dtype: "float32" })).rejects.toThrow(/open engine/);
  });

  test("lanes read their engine's variables as they are when a call begins, and have their own", async () => {
    const engine = await openEngine({ engine: "tensorflow", threads: 2 });
    const weight = await engine.variable("weight", { shape: [2], dtype: "float32" }, Float32Array.of(1, 2));
    const lanes = engine.lanes(8);
    expect(lanes.length).toBe(2);
    expect(engine.lanes(2)).toEqual(lanes);
    const sums = await Promise.all(
      lanes.map(async (lane, i) => {
        const count = await lane.variable("count", { shape: [], dtype: "float32" }, Float32Array.of(i * 10));
        return lane.compile("scaled", { x: { shape: [2], dtype: "float32" } }, ({ x }, state) => {
          const next = tf.add(state.read(count), 1);
          state.assign(count, next);
          return { y: tf.add(tf.mul(x, state.read(weight)), next) };
        });
      }),
    );
    const x = Float32Array.of(10, 100);
    const all = async () => (await Promise.all(sums.map((sum) => sum({ x })))).map(({ y }) => [...y]);
    expect(await all()).toEqual([
      [11, 201],
      [21, 211],
    ]);
    const double = engine.compile("double", {}, (_, state) => {
      state.assign(weight, tf.mul(state.read(weight), 2));
      return {};
    });
    await double({});
    expect(await all()).toEqual([
      [22, 402],
      [32, 412],
    ]);
    await engine.write(weight, Float32Array.of(0, 0));
    // What is enqueued before the reading of a value is seen by it, whoever waits for what.
    const [, mixed] = await Promise.all([double({}), all(), double({})]);
    expect(mixed).toEqual([
      [3, 3],
      [13, 13],
    ]);
    await engine.clear(weight);
    await expect(sums[0]!({ x })).rejects.toThrow(/weight/);
    await engine.write(weight, Float32Array.of(1, 1));
    expect([...(await sums[1]!({ x })).y]).toEqual([24, 114]);
    const assigns = () =>
      lanes[0]!.compile("assigns", {}, (_, state) => {
        state.assign(weight, tf.zeros([2]));
        return {};
      });
    expect(assigns).toThrow(/weight must be a variable of this lane/);
    await engine.close();
    await expect(sums[0]!({ x })).rejects.toThrow(/open engine/);
  });

  test("an engine of one thread is its own lane", async () => {
    const engine = await openEngine({ engine: "tensorflow", threads: 1 });
    expect(engine.lanes(4)).toEqual([engine]);
    await engine.close();
  });

  test("an engine through XLA says so", async () => {
    const engine = await openEngine({ engine: "tensorflow", xla: true });
    expect(engine.description).toMatch(/XLA/);
    await engine.close();
  });

  test("XLA is refused where nothing is traced", async () => {
    await expect(openEngine({ engine: "wasm", xla: true })).rejects.toThrow(/xla must be false on the engine wasm/);
  });

  test("leaves the event loop free while it computes", async () => {
    const engine = await openEngine({ engine: "tensorflow" });
    const slow = engine.compile("slow", { x: { shape: [1024, 1024], dtype: "float32" } }, ({ x }) => {
      let product = x as tf.Tensor2D;
      for (let i = 0; i < 8; i++) product = tf.matMul(product, x as tf.Tensor2D);
      return { y: tf.sum(product) };
    });
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    await slow({ x: new Float32Array(1024 * 1024) });
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(3);
    await engine.close();
  });
});
