// Llama (2, 3, 3.1, 3.2, 3.3, and DeepSeek-R1-Distill-Llama): the plain decoder, from 3.1 on with stretched rotary frequencies.
// Source: transformers models/llama/modeling_llama.py; arXiv 2407.21783.

import type { Architecture } from "./architecture.ts";
import { decoder } from "./decoder.ts";

export const llama: Architecture = decoder({
  facts: {
    className: "Llama",
    attentionBias: false,
    slidingWindow: false,
    defaults: { num_key_value_heads: null, bos_token_id: 1, eos_token_id: 2, max_position_embeddings: 2048 },
    fixed: { attention_bias: false, mlp_bias: false },
  },
  headNorms: false,
});
