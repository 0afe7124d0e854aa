import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { expectClose } from "@longcot/vitest-config/close-to";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createFakeMachine, type FakeMachine } from "../fixtures/fake-machine.ts";
import { EAGER_BACKEND, registerEagerBackend } from "./eager-backend.ts";
import { buildEagerBinding, locateEagerBinding } from "./eager-binding.ts";
import { cxxCompiler } from "./host.ts";
import { type LibtensorflowLocation, locateLibtensorflow } from "./locate.ts";
import type { Narrator } from "./narrator.ts";
import { libraryNames } from "./release.ts";
import { findTfjsPackage } from "./tfjs-package.ts";

const silent: Narrator = { say: () => undefined, progress: () => undefined };
const hasAll = locateLibtensorflow() !== undefined && cxxCompiler() !== undefined;

// Compiles once per machine (12 s on two free cores), then uses the cached binding.
describe.skipIf(!hasAll)("with libtensorflow and a compiler", () => {
  test("the compiled binding runs tfjs eagerly, gradients and TopK included", { timeout: 180_000 }, async () => {
    const before = readdirSync(findTfjsPackage()!);
    const binding = await buildEagerBinding({ narrator: silent });
    expect(locateEagerBinding()).toEqual(binding);
    expect(readdirSync(findTfjsPackage()!)).toEqual(before);

    expect(registerEagerBackend(tf, binding)).toBe(true);
    expect(registerEagerBackend(tf, binding)).toBe(false);
    expect(await tf.setBackend(EAGER_BACKEND)).toBe(true);
    const x = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    // d/dx sum(x·x) = 1·xᵀ + xᵀ·1: entry (i, j) is the sum of row j plus the sum of column i.
    const gradient = tf.grad((value: tf.Tensor) => tf.sum(tf.matMul(value as tf.Tensor2D, value as tf.Tensor2D)))(x);
    expectClose(await gradient.data(), [7, 11, 9, 13], { atol: 1e-6 });
    // TopK is one of the kernels that call util.isNullOrUndefined.
    expectClose(await tf.topk(tf.tensor1d([1, 5, 3]), 2).values.data(), [5, 3], { atol: 0 });
  });
});

describe("without what a build needs", () => {
  let machine: FakeMachine;
  let library: LibtensorflowLocation;
  beforeEach(() => {
    machine = createFakeMachine();
    const folder = mkdtempSync(join(tmpdir(), "libtensorflow-test-"));
    const names = libraryNames();
    library = {
      folder,
      ccLibrary: join(folder, names.cc),
      frameworkLibrary: join(folder, names.framework),
      version: "9.9.9",
      variant: "cpu",
      source: "cache",
    };
    for (const file of [library.ccLibrary, library.frameworkLibrary]) writeFileSync(file, "not a library");
  });
  afterEach(() => {
    machine.remove();
    rmSync(library.folder, { recursive: true, force: true });
  });
  const build = (environment: Record<string, string>) => buildEagerBinding({ library, environment, narrator: silent });

  test("headers, compiler and package are each named", async () => {
    await expect(build(machine.environment)).rejects.toMatchObject({ code: "CONFIG", received: `none in ${library.folder}` });
    mkdirSync(join(library.folder, "include", "tensorflow", "c", "eager"), { recursive: true });
    writeFileSync(join(library.folder, "include", "tensorflow", "c", "eager", "c_api.h"), "");
    await expect(build(machine.environment)).rejects.toMatchObject({ code: "CONFIG", expected: expect.stringContaining("a C++ compiler") });
    expect(() => locateEagerBinding({ library, packageFolder: machine.home })).toThrow(
      expect.objectContaining({ code: "CONFIG", argument: "packageFolder" }),
    );
  });

  test.skipIf(cxxCompiler() === undefined)("a compiler's first complaint is passed on and nothing is cached", async () => {
    mkdirSync(join(library.folder, "include", "tensorflow", "c", "eager"), { recursive: true });
    writeFileSync(join(library.folder, "include", "tensorflow", "c", "eager", "c_api.h"), "");
    await expect(build({ ...machine.environment, PATH: process.env.PATH ?? "" })).rejects.toThrow(/tensorflow\/c\/c_api\.h/);
    expect(readdirSync(join(machine.environment.XDG_CACHE_HOME!, "longcot", "eager-binding"))).toEqual([]);
  });
});
