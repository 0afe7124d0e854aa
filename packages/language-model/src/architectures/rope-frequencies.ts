// Rotary frequencies of a model: plain, or stretched for contexts longer than the model was first trained on.

import type { ModelConfig } from "../files/model-config.ts";

/**
 * Radians that each pair of a head turns per position, `headDim/2` numbers: fᵢ = theta^(−2i/headDim).
 *
 * With Llama 3's scaling, a frequency whose wavelength 2π/f exceeds original/low is divided by `factor`, one below original/high stays, and between
 * them s·f + (1 − s)·f/factor with s = (original·f/2π − low)/(high − low).
 * Source: arXiv 2104.09864 §3.2.2; transformers `modeling_rope_utils.py`, `_compute_llama3_parameters`.
 */
export function ropeFrequencies({ headDim, ropeTheta, ropeScaling }: ModelConfig): number[] {
  const plain = Array.from({ length: headDim / 2 }, (_, i) => ropeTheta ** ((-2 * i) / headDim));
  if (ropeScaling === undefined) return plain;
  const { factor, lowFrequencyFactor, highFrequencyFactor, originalMaxPositionEmbeddings } = ropeScaling;
  return plain.map((frequency) => {
    const turns = (originalMaxPositionEmbeddings * frequency) / (2 * Math.PI);
    const share = (turns - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor);
    const kept = Math.min(1, Math.max(0, share));
    return kept * frequency + ((1 - kept) * frequency) / factor;
  });
}
