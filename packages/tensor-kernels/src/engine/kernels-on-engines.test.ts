// The kernels' own list of cases on every engine of this machine: traced = through XLA = eager TensorFlow = wasm, gradients too,
// each within the case's tolerance of every other. kernels/*.test.ts holds the same list against double precision.

import { locateEagerBinding, locateLibtensorflow } from "@longcot/libtensorflow";
import { expectClose } from "@longcot/vitest-config/close-to";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type KernelProgram, kernelPrograms } from "../kernels/testing/kernel-case.ts";
import { kernelCases } from "../kernels/testing/kernel-cases.ts";
import type { Engine, EngineArray } from "./engine.ts";
import { openEngine } from "./open-engine.ts";
import type { EngineOptions } from "./open-engine.ts";

const noLibrary = locateLibtensorflow() === undefined ? "no libtensorflow on this machine" : undefined;
/** Engines to compare; `missing` says why one cannot be had here. */
const ENGINES: readonly { choice: string; options: EngineOptions; missing: string | undefined }[] = [
  { choice: "wasm", options: { engine: "wasm" }, missing: undefined },
  { choice: "tensorflow", options: { engine: "tensorflow" }, missing: noLibrary },
  { choice: "tensorflow through XLA", options: { engine: "tensorflow", xla: true }, missing: noLibrary },
  {
    choice: "tensorflow-eager",
    options: { engine: "tensorflow-eager" },
    missing: locateEagerBinding() === undefined ? "its binding is not compiled: longcot-libtensorflow build-eager-binding" : undefined,
  },
];
const present = ENGINES.filter(({ missing }) => missing === undefined);
const pairs = present.flatMap(({ choice: left }, i) => present.slice(i + 1).map(({ choice: right }) => ({ left, right })));
const programs = kernelCases.flatMap(kernelPrograms);

for (const { choice, missing } of ENGINES) {
  if (missing !== undefined) console.warn(`skipped: kernels on ${choice} (${missing})`);
}

/** What `engine` makes of a program: one array per output. */
async function outputsOf(engine: Engine, { name, inputs, run }: KernelProgram): Promise<EngineArray[]> {
  const specs = Object.fromEntries(inputs.map(({ shape, dtype }, i) => [`input${i}`, { shape, dtype }]));
  const compiled = engine.compile(name.replaceAll(/\W+/g, "_"), specs, (tensors) =>
    Object.fromEntries(run(inputs.map((_, i) => tensors[`input${i}`]!)).map((output, i) => [`output${i}`, output])),
  );
  return Object.values(await compiled(Object.fromEntries(inputs.map(({ values }, i) => [`input${i}`, values]))));
}

describe("kernels agree between engines", () => {
  const outputs = new Map<string, Map<KernelProgram, EngineArray[]>>();

  describe.each(present)("$choice", ({ choice, options }) => {
    let engine: Engine;
    beforeAll(async () => {
      engine = await openEngine({ ...options, threads: 2 });
      outputs.set(choice, new Map());
    });
    afterAll(() => engine.close());

    test("names itself", () => expect(engine.kind).toBe(options.engine));

    test.each(programs)("$name", async (program) => {
      const made = await outputsOf(engine, program);
      expect(made).toHaveLength(program.expected.length);
      made.forEach((values, i) => expectClose(values, program.expected[i]!, program.tolerance, `output ${i}`));
      outputs.get(choice)!.set(program, made);
    });
  });

  describe.each(pairs)("$left = $right", ({ left, right }) => {
    test.each(programs)("$name", (program) => {
      const [mine, theirs] = [left, right].map((choice) => outputs.get(choice)?.get(program));
      expect(mine, `${left} failed`).toBeDefined();
      expect(theirs, `${right} failed`).toBeDefined();
      mine!.forEach((values, i) => expectClose(values, theirs![i]!, program.tolerance, `output ${i}`));
    });
  });

  for (const { choice, missing } of ENGINES) {
    test.skipIf(missing !== undefined)(`${choice} is compared`, () => {
      expect(outputs.get(choice)?.size).toBe(programs.length);
    });
  }
});
