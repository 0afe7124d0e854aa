// How many positions' logits are held at once, where something is computed of the whole vocabulary.

/** Bytes of one chunk's logits; of them a backward chunk holds about four. */
const LOGITS_CHUNK_BYTES = 128 * 1024 * 1024;

/** Positions in a chunk, each with so many f32 logits. */
export const logitsChunkTokens = (logits: number): number => Math.max(1, Math.floor(LOGITS_CHUNK_BYTES / (4 * logits)));
