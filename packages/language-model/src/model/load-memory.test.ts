// How much memory loading takes beside what it loads: measured on a process of its own, by Linux's own books.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { makeTemporaryFolder } from "../../fixtures/temporary-folder.ts";
import { parseModelConfig } from "../files/model-config.ts";
import { writeModelDirectory } from "../files/model-directory.ts";
import { ENGINES } from "../testing/engines.ts";
import { newModelTensors } from "./save-model.ts";

const LOADER = fileURLToPath(new URL("../testing/load-and-tell.ts", import.meta.url));
/** 100 million parameters; half are the embedding, so that a second copy of the largest tensor alone would show. */
const CONFIG = parseModelConfig({
  architectures: ["Qwen2ForCausalLM"],
  model_type: "qwen2",
  vocab_size: 65_536,
  hidden_size: 768,
  intermediate_size: 4096,
  num_hidden_layers: 4,
  num_attention_heads: 12,
  num_key_value_heads: 2,
  max_position_embeddings: 128,
  tie_word_embeddings: true,
  torch_dtype: "bfloat16",
});
const measurable = process.platform === "linux" && ENGINES[0] === "tensorflow";

test.skipIf(!measurable)(
  `loading takes at most 1.15 times the weights as held, shards and narrow dtypes included${measurable ? "" : " (left out: needs Linux and TensorFlow)"}`,
  async () => {
    const folder = join(makeTemporaryFolder(), "model");
    const tensors = newModelTensors(CONFIG, { seed: 0 }).map(({ name, shape }) => ({
      name,
      shape,
      data: () => new Float32Array(shape.reduce((size, dimension) => size * dimension, 1)).fill(0.5),
    }));
    await writeModelDirectory(folder, { config: CONFIG, tensors, maxShardBytes: 64 * 2 ** 20 });
    const { status, stdout, stderr } = spawnSync(process.execPath, ["--conditions=longcot-source", LOADER, folder], { encoding: "utf8" });
    expect(status, stderr).toBe(0);
    const { before, peak, weights } = JSON.parse(stdout) as Record<"before" | "peak" | "weights", number>;
    expect(weights).toBeGreaterThan(350 * 2 ** 20);
    expect((peak - before) / weights).toBeGreaterThan(0.99);
    expect((peak - before) / weights).toBeLessThan(1.15);
  },
);
