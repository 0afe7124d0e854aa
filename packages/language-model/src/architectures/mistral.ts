// Mistral: the plain decoder with attention over a sliding window in every layer, where config.json gives one.
// Source: transformers models/mistral/modeling_mistral.py; arXiv 2310.06825.

import type { Architecture } from "./architecture.ts";
import { decoder } from "./decoder.ts";

export const mistral: Architecture = decoder({
  facts: {
    className: "Mistral",
    attentionBias: false,
    slidingWindow: true,
    defaults: { num_key_value_heads: 8, sliding_window: 4096, bos_token_id: 1, eos_token_id: 2, max_position_embeddings: 131_072 },
    fixed: {},
  },
  headNorms: false,
});
