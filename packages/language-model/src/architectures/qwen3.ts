// Qwen3: a decoder that normalises every head's query and key before rotating them, with heads of 128 unless config.json says otherwise.
// Source: transformers models/qwen3/modeling_qwen3.py; arXiv 2505.09388.

import type { Architecture } from "./architecture.ts";
import { decoder } from "./decoder.ts";

export const qwen3: Architecture = decoder({
  facts: {
    className: "Qwen3",
    attentionBias: false,
    slidingWindow: false,
    defaults: { num_key_value_heads: 32, head_dim: 128 },
    fixed: { attention_bias: false, use_sliding_window: false },
  },
  headNorms: true,
});
