// Every kernel case on every eager backend: values and gradients against the double-precision reference.
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { expectClose } from "@longcot/vitest-config/close-to";
import { EAGER_BACKENDS, useBackend } from "./testing/eager-backends.ts";
import { kernelPrograms } from "./testing/kernel-case.ts";
import { kernelCases } from "./testing/kernel-cases.ts";

const programs = kernelCases.flatMap(kernelPrograms);

describe.each(EAGER_BACKENDS)("kernels on %s", (backend) => {
  beforeAll(() => useBackend(backend));

  it.each(programs)("$name", ({ inputs, run, expected, tolerance }) => {
    const tensorsBefore = tf.memory().numTensors;
    const tensors = inputs.map(({ values, shape, dtype }) => tf.tensor(values, shape, dtype));
    const outputs = tf.tidy(() => run(tensors));
    expect(outputs).toHaveLength(expected.length);
    outputs.forEach((output, index) => expectClose(output.dataSync(), expected[index]!, tolerance, `output ${index}`));
    tf.dispose([tensors, outputs]);
    expect(tf.memory().numTensors, "tensors left behind").toBe(tensorsBefore);
  });
});
