// Every kernel case traced into a TensorFlow graph, gradients included. Skipped where libtensorflow is not installed.
import { locateLibtensorflow } from "@longcot/libtensorflow";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectClose } from "@longcot/vitest-config/close-to";
import type { Engine } from "../engine/engine.ts";
import { openEngine } from "../engine/open-engine.ts";
import { kernelPrograms } from "./testing/kernel-case.ts";
import { kernelCases } from "./testing/kernel-cases.ts";

describe.skipIf(locateLibtensorflow() === undefined)("kernels traced into TensorFlow", () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine({ engine: "tensorflow", threads: 2 });
  });
  afterAll(() => engine.close());

  it.each(kernelCases.flatMap(kernelPrograms))(
    "$name",
    async ({ name, inputs, run, expected, tolerance }) => {
      const specs = Object.fromEntries(
        inputs.map(({ shape, dtype }, index) => [`input${index}`, { shape, dtype }]),
      );
      const compiled = engine.compile(name.replaceAll(/\W+/g, "_"), specs, (tensors) =>
        Object.fromEntries(
          run(inputs.map((_, index) => tensors[`input${index}`]!)).map((output, index) => [
            `output${index}`,
            output,
          ]),
        ),
      );
      const outputs = await compiled(
        Object.fromEntries(inputs.map(({ values }, index) => [`input${index}`, values])),
      );
      expect(Object.keys(outputs)).toHaveLength(expected.length);
      expected.forEach((values, index) =>
        expectClose(outputs[`output${index}`]!, values, tolerance, `output ${index}`),
      );
    },
  );
});
