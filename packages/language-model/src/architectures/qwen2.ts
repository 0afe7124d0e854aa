// Qwen2 (and 2.5, and DeepSeek-R1-Distill-Qwen): a decoder whose query, key and value projections have biases.
// Source: transformers models/qwen2/modeling_qwen2.py; arXiv 2407.10671.

import type { Architecture } from "./architecture.ts";
import { decoder } from "./decoder.ts";

export const qwen2: Architecture = decoder({
  facts: {
    className: "Qwen2",
    attentionBias: true,
    slidingWindow: false,
    defaults: { num_key_value_heads: 32 },
    fixed: { use_sliding_window: false },
  },
  headNorms: false,
});
