// Loops on every engine: nested, of no turns, with bounds that are tensors, over variables and tensors from outside.

import { locateLibtensorflow } from "@longcot/libtensorflow";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Engine } from "./engine.ts";
import { forLoop } from "./for-loop.ts";
import { openEngine } from "./open-engine.ts";

const ENGINES = locateLibtensorflow() === undefined ? (["wasm"] as const) : (["tensorflow", "wasm"] as const);

describe.each(ENGINES)("forLoop on %s", (choice) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine({ engine: choice, threads: 2 });
  });
  afterAll(() => engine.close());

  test("nested loops, the inner one's bounds from the outer's state, with tensors and variables from outside", async () => {
    const weight = await engine.variable("weight", { shape: [2], dtype: "float32" }, Float32Array.of(1, 10));
    const run = engine.compile("nested", { turns: { shape: [], dtype: "int32" } }, ({ turns }, state) => {
      const outside = tf.tensor1d([0.5, 0.25]);
      const [sum, count] = forLoop({ from: 0, to: turns }, [tf.zeros([2]), tf.scalar(0, "int32")], (i, [total, steps]) => {
        const inner = forLoop({ from: i, to: turns }, [total!, steps!], (j, [partial, taken]) => [
          tf.add(tf.add(partial!, tf.mul(state.read(weight), tf.cast(j, "float32"))), outside),
          tf.add(taken!, tf.scalar(1, "int32")),
        ]);
        return inner;
      });
      return { sum: sum!, count: count! };
    });
    // j over (i ≤ j < 3): 0, 1, 2, 1, 2, 2 → sum 8 in 6 turns.
    const three = await run({ turns: Int32Array.of(3) });
    expect([...three.sum]).toEqual([8 + 6 * 0.5, 80 + 6 * 0.25]);
    expect([...three.count]).toEqual([6]);
    const none = await run({ turns: Int32Array.of(0) });
    expect([...none.sum]).toEqual([0, 0]);
    await engine.release(weight);
  });

  test("a state that a turn replaces by a tensor from outside", async () => {
    const run = engine.compile("replaced", { value: { shape: [2], dtype: "float32" } }, ({ value }) => {
      const [kept] = forLoop({ from: 0, to: 4 }, [tf.zeros([2])], () => [value]);
      return { kept: kept! };
    });
    expect([...(await run({ value: Float32Array.of(3, 4) })).kept]).toEqual([3, 4]);
  });
});

test.skipIf(locateLibtensorflow() === undefined)("a tensor that leaves its loop by a closure is refused", async () => {
  const engine = await openEngine({ engine: "tensorflow", threads: 1 });
  expect(() =>
    engine.compile("escaping", {}, () => {
      let escaped: tf.Tensor | undefined;
      forLoop({ from: 0, to: 2 }, [tf.scalar(0)], (_, [x]) => [(escaped = tf.add(x!, 1))]);
      return { escaped: tf.add(escaped!, 1) };
    }),
  ).toThrow(/one whose loop is running, got one made in a loop that has ended/);
  await engine.close();
});
