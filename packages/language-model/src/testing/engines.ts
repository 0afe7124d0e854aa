// The engines that a test machine has, and the fixture model on one of them.

import { fileURLToPath } from "node:url";
import { openEngine } from "@longcot/tensor-kernels";
import type { Engine } from "@longcot/tensor-kernels";
import { locateLibtensorflow } from "@longcot/libtensorflow";
import { loadLanguageModel } from "../model/language-model.ts";
import type { LanguageModel } from "../model/language-model.ts";

/** Engines to run a suite on; without libtensorflow only wasm, which the test report then shows. */
export const ENGINES = locateLibtensorflow() === undefined ? (["wasm"] as const) : (["tensorflow", "wasm"] as const);

export const TINY_QWEN2 = fileURLToPath(new URL("../../fixtures/tiny-qwen2", import.meta.url));

/** The tiny Qwen2 of the fixtures on an engine of its own. */
export async function openTinyModel(engine: (typeof ENGINES)[number]): Promise<{ engine: Engine; model: LanguageModel }> {
  const opened = await openEngine({ engine, threads: 2 });
  return { engine: opened, model: await loadLanguageModel(opened, TINY_QWEN2) };
}
