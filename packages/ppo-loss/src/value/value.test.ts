import { expectClose } from "@longcot/vitest-config/close-to";
import "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, test } from "vitest";

import { explainedVariance } from "./explained-variance.ts";
import { valueLoss } from "./value-loss.ts";

beforeAll(async () => void (await tf.setBackend("cpu")));

test("two tokens by hand: one clipped, one not; padding adds nothing", () => {
  // V 1, V_old 0, R 0, c 0.5: max(1, 0.25)/2; V −1, V_old 0, R −2: max(1, 2.25)/2, clipped, no gradient.
  const metrics: tf.Scalar[] = [];
  const { value, grad } = tf.valueAndGrad((values) => {
    const result = valueLoss({
      values: values as tf.Tensor2D,
      oldValues: tf.tensor2d([[0, 0, Infinity]]),
      returns: tf.tensor2d([[0, -2, Number.NaN]]),
      mask: tf.tensor2d([[1, 1, 0]]),
      rowWeights: tf.tensor1d([0.5]),
      tokenDenominator: 2,
    });
    metrics.push(tf.keep(result.metrics.vf_clipfrac), tf.keep(result.metrics.vpred_mean));
    return result.loss;
  })(tf.tensor2d([[1, -1, 5]]));
  expectClose(value.dataSync(), [(0.5 + 1.125) / 2], { atol: 1e-7 });
  expectClose(grad.dataSync(), [0.5, 0, 0], { atol: 1e-7 });
  expectClose(
    metrics.flatMap((metric) => [...metric.dataSync()]),
    [0.5, 0],
    { atol: 1e-7 },
  );
});

test("explained variance: 1, 0 and below 0", () => {
  const of = (values: number[]): number => explainedVariance({ returns: [0, 1, 2], values, offsets: [0, 3] });
  expectClose([of([0, 1, 2]), of([1, 1, 1]), of([2, 1, 0])], [1, 1e-5, -3], { atol: 1e-4 });
});
