// The step that `bench buffer` moves about: groups of long responses with six token columns (tokens, mask, three kinds of log-probabilities,
// entropies), 21 bytes a token.
import { createRolloutWriter } from "@longcot/rollout-buffer";
import type { Arena, Rollouts } from "@longcot/rollout-buffer";

export const TOKEN_COLUMNS = [
  "response_tokens",
  "response_mask",
  "rollout_log_probs",
  "old_log_probs",
  "ref_log_probs",
  "entropies",
] as const;
const BYTES_PER_TOKEN = 21;
const RESPONSE_TOKENS = 8192;
const PROMPT_TOKENS = 256;
const GROUP = 16;
const VOCABULARY = 151_936;

export interface StepShape {
  rows: number;
  responseTokens: number;
  promptTokens: number;
}

/** Rows of {@link RESPONSE_TOKENS} tokens whose token columns take about `mebibytes`. */
export function shapeOf(mebibytes: number): StepShape {
  const rows = Math.ceil((mebibytes * 2 ** 20) / (BYTES_PER_TOKEN * RESPONSE_TOKENS));
  return { rows, responseTokens: rows * RESPONSE_TOKENS, promptTokens: rows * PROMPT_TOKENS };
}

/** Writes and seals the step, the values made beforehand; returns it with the seconds that writing and sealing took. */
export function writeStep(arena: Arena, { rows }: StepShape): { rollouts: Rollouts; writeSeconds: number; sealSeconds: number } {
  const promptTokens = new Int32Array(PROMPT_TOKENS).map((_, i) => (i * 7919) % VOCABULARY);
  const responseTokens = new Int32Array(RESPONSE_TOKENS).map((_, i) => (i * 104_729) % VOCABULARY);
  const values = new Float32Array(RESPONSE_TOKENS).map((_, i) => -((i * 2_654_435_761) % 1_000_003) / 1e6);
  const start = performance.now();
  const writer = createRolloutWriter(arena, { optional: ["ref_log_probs"] });
  for (let i = 0; i < rows; i++) {
    const row = writer.append({
      promptId: Math.floor(i / GROUP),
      sampleIndex: i % GROUP,
      stage: 1,
      weightVersion: 1,
      dataSource: "math",
      finishReason: "stop",
      promptTokens,
      responseTokens,
      rolloutLogProbs: values,
    });
    for (const column of ["old_log_probs", "ref_log_probs", "entropies"] as const) writer.setPerToken(column, row, values);
    writer.setPerRow("reward", row, i % 2);
    writer.setPerRow("advantage", row, (i % 2) - 0.5);
    writer.setCategory("outcome", row, i % 2 === 1 ? "correct" : "wrong");
  }
  const written = performance.now();
  const rollouts = writer.seal({ step: 1, seed: 0 });
  return { rollouts, writeSeconds: (written - start) / 1000, sealSeconds: (performance.now() - written) / 1000 };
}
