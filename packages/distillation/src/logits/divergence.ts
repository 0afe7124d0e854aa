// Divergences of a student's token distribution from its teacher's, over the teacher's likeliest tokens and one event for all others.
import * as tf from "@tensorflow/tfjs-core";
import { ConfigError } from "@longcot/errors";

/**
 * With p the teacher, q the student:
 * - `forward_kl`: KL(p ‖ q), covers all that the teacher may say
 * - `reverse_kl`: KL(q ‖ p), seeks what the teacher says most
 * - `jsd`: β KL(p ‖ m) + (1 − β) KL(q ‖ m), m = βp + (1 − β)q. Source: arXiv 2306.13649, eq. 1
 * - `skewed_forward_kl`: KL(p ‖ αp + (1 − α)q); `skewed_reverse_kl`: KL(q ‖ (1 − α)p + αq). Source: arXiv 2402.03898, §3.1
 */
export const DIVERGENCES = ["forward_kl", "reverse_kl", "jsd", "skewed_forward_kl", "skewed_reverse_kl"] as const;
export type DivergenceName = (typeof DIVERGENCES)[number];

export interface DivergenceOptions {
  readonly name: DivergenceName;
  /** β of jsd, in (0, 1). Default 0.5. */
  readonly beta?: number;
  /** α of the skewed ones, in [0, 1). Default 0.1. */
  readonly skew?: number;
}

/** Returns `options` with its defaults. @throws ConfigError for a β or α out of range. */
export function checkDivergence({ name, beta = 0.5, skew = 0.1 }: DivergenceOptions): Required<DivergenceOptions> {
  if (!(beta > 0 && beta < 1))
    throw new ConfigError({ who: "divergence", argument: "beta", expected: "above 0 and below 1", received: String(beta) });
  if (!(skew >= 0 && skew < 1))
    throw new ConfigError({ who: "divergence", argument: "skew", expected: "from 0 to below 1", received: String(skew) });
  return { name, beta, skew };
}

/** Smallest probability of the event of all other tokens: where the candidates hold all there is, what is left is rounding. */
const LEAST_REST = 1e-7;

/**
 * The divergence at every place, in nats.
 *
 * Shapes: `teacher`, `student [..., k] f32`, log-probabilities of the same k tokens, nats → `[...]`.
 * The k tokens and all others together make the k + 1 events of both distributions: exact where k is the vocabulary, else a lower bound of the
 * divergence over it (data processing inequality).
 * Gradient: wrt student, and through the event of all others wrt all of the student's candidates.
 */
export function divergence(teacher: tf.Tensor, student: tf.Tensor, options: DivergenceOptions): tf.Tensor {
  const { name, beta, skew } = checkDivergence(options);
  const [p, q] = [withRest(teacher), withRest(student)];
  switch (name) {
    case "forward_kl":
      return relativeEntropy(p, q.logs);
    case "reverse_kl":
      return relativeEntropy(q, p.logs);
    case "jsd": {
      const mixture = logMixture(p, q, beta);
      return tf.add(tf.mul(relativeEntropy(p, mixture), beta), tf.mul(relativeEntropy(q, mixture), 1 - beta));
    }
    case "skewed_forward_kl":
      return relativeEntropy(p, logMixture(p, q, skew));
    case "skewed_reverse_kl":
      return relativeEntropy(q, logMixture(q, p, skew));
  }
}

interface Distribution {
  /** `[..., k + 1]`. */
  readonly probabilities: tf.Tensor;
  readonly logs: tf.Tensor;
}

function withRest(logProbs: tf.Tensor): Distribution {
  const probabilities = tf.exp(logProbs);
  const rest = tf.maximum(tf.sub(1, tf.sum(probabilities, -1, true)), LEAST_REST);
  return { probabilities: tf.concat([probabilities, rest], -1), logs: tf.concat([logProbs, tf.log(rest)], -1) };
}

/** Σ p (log p − log q) over the last axis. */
function relativeEntropy({ probabilities, logs }: Distribution, logQ: tf.Tensor): tf.Tensor {
  return tf.sum(tf.mul(probabilities, tf.sub(logs, logQ)), -1);
}

/** log(w·a + (1 − w)·b). */
function logMixture(a: Distribution, b: Distribution, weight: number): tf.Tensor {
  return tf.log(tf.add(tf.mul(a.probabilities, weight), tf.mul(b.probabilities, 1 - weight)));
}
