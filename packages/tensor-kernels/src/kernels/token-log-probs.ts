// Log-probability of the chosen token and entropy of the whole distribution, from hidden states, a chunk of tokens at a time:
// the [tokens, vocab] matrix of logits, the largest tensor of a training step, never exists whole.
import * as tf from "@tensorflow/tfjs-core";
import { ConfigError } from "@longcot/errors";
import { checkShape } from "./check-shape.ts";
import { customGradient } from "./custom-gradient.ts";
import { addAtColumn, pickColumn } from "./pick-column.ts";

/**
 * Bytes of one chunk's logits. A backward chunk holds about four tensors of this size, 512 MiB in all; at the 152k entries
 * of Qwen's vocabulary it is 220 tokens, enough rows for a matrix product at full speed.
 */
export const LOGITS_CHUNK_BYTES = 128 * 1024 * 1024;

/** Arguments of {@link tokenLogProbs}. */
export interface TokenLogProbsInputs {
  /** `[tokens, model] f32`, after the final norm. */
  hidden: tf.Tensor;
  /** `[vocab, model] f32`: the output embedding. */
  unembedding: tf.Tensor;
  /** `[tokens] int32` in [0, vocab). */
  targets: tf.Tensor;
  /** Divisor of the logits, > 0. */
  temperature: number;
  /** Tokens of a chunk; absent: as many as {@link LOGITS_CHUNK_BYTES} hold. */
  chunkTokens?: number;
  /**
   * Returns `x`, to be computed only after `previous`. Eager backends run in order anyway, which is the default; a graph,
   * free to run all chunks at once, needs a control dependency here to keep to one chunk's memory.
   */
  orderAfter?: (x: tf.Tensor, previous: tf.Tensor) => tf.Tensor;
}

/** Results of {@link tokenLogProbs}, `[tokens] f32` each, in nats. */
export interface TokenLogProbs {
  logProbs: tf.Tensor;
  entropies: tf.Tensor;
}

/** One chunk's distribution, seen through what both passes need. */
interface ChunkStatistics {
  /** `[rows, vocab]`, divided by the temperature. */
  logits: tf.Tensor;
  /** `[rows, 1]`: log Σ exp(logits). */
  logNormaliser: tf.Tensor;
  logProbs: tf.Tensor;
  entropies: tf.Tensor;
}

/**
 * Returns, for p = softmax(hidden · unembeddingᵀ / temperature), `logProbs = log p[target]` and `entropies = −Σ p·log p` over
 * the whole vocabulary.
 *
 * Shapes: see {@link TokenLogProbsInputs} and {@link TokenLogProbs}.
 * Units: nats.
 * Precision: the row's maximum is subtracted before exp; H = log Σe − Σ e·s / Σe with s the shifted logits.
 * Gradient (wrt hidden and unembedding, through both results): dlogits = (dlogProb·(onehot − p) − dH·p·(log p + H)) / temperature.
 * When one chunk holds all tokens its logits are saved; else each chunk's are computed again in the backward pass, and
 * one number per token is saved.
 * @throws ShapeError when sizes disagree; ConfigError when temperature or chunkTokens is not positive.
 */
export function tokenLogProbs(inputs: TokenLogProbsInputs): TokenLogProbs {
  const { hidden, unembedding, targets, temperature, orderAfter = (x: tf.Tensor) => x } = inputs;
  const [tokens, model] = checkShape("tokenLogProbs", "hidden", hidden, ["tokens", "model"]);
  const [vocab] = checkShape("tokenLogProbs", "unembedding", unembedding, ["vocab", model]);
  checkShape("tokenLogProbs", "targets", targets, [tokens], "int32");
  checkTemperature("tokenLogProbs", temperature);
  const chunks = chunkBounds(tokens, inputs.chunkTokens ?? Math.max(1, Math.floor(LOGITS_CHUNK_BYTES / (4 * vocab))));

  const both = customGradient(
    [hidden, unembedding],
    () => {
      const results: ChunkStatistics[] = [];
      for (const chunk of chunks) {
        const previous = results.at(-1)?.logProbs;
        const statistics = tf.tidy(() => {
          const rows = scaledRows(hidden, chunk, model, temperature);
          const all = chunkStatistics(
            previous === undefined ? rows : orderAfter(rows, previous),
            unembedding,
            tf.slice(targets, [chunk.begin], [chunk.size]),
          );
          return chunks.length === 1 ? { ...all } : { ...all, logits: tf.scalar(0) };
        });
        results.push(statistics);
      }
      const value = tf.reshape(tf.concat([...results.map((r) => r.logProbs), ...results.map((r) => r.entropies)]), [2, tokens]);
      const logNormalisers = tf.concat(results.map((r) => r.logNormaliser));
      return {
        value,
        saved: [hidden, unembedding, targets, value, logNormalisers, ...(chunks.length === 1 ? [results[0]!.logits] : [])],
      };
    },
    (gradient, [savedHidden, savedUnembedding, savedTargets, value, logNormalisers, savedLogits]) => {
      const hiddenGradients: tf.Tensor[] = [];
      let unembeddingGradient: tf.Tensor | undefined;
      for (const chunk of chunks) {
        const sumSoFar: tf.Tensor | undefined = unembeddingGradient;
        const [hiddenGradient, sum] = tf.tidy(() => {
          const plain = scaledRows(savedHidden!, chunk, model, temperature);
          const rows = sumSoFar === undefined ? plain : orderAfter(plain, sumSoFar);
          const logits = savedLogits ?? tf.matMul(rows, savedUnembedding!, false, true);
          const column = (matrix: tf.Tensor, row: number) =>
            tf.reshape(tf.slice(matrix, [row, chunk.begin], [1, chunk.size]), [chunk.size, 1]);
          const gradLogits = logitsGradient({
            logits,
            logNormaliser: tf.slice(logNormalisers!, [chunk.begin, 0], [chunk.size, 1]),
            entropies: column(value!, 1),
            gradLogProbs: column(gradient, 0),
            gradEntropies: column(gradient, 1),
            targets: tf.slice(savedTargets!, [chunk.begin], [chunk.size]),
          });
          const part = tf.matMul(gradLogits, rows, true, false);
          return [
            tf.mul(tf.matMul(gradLogits, savedUnembedding!), 1 / temperature),
            sumSoFar === undefined ? part : tf.add(sumSoFar, part),
          ] as [tf.Tensor, tf.Tensor];
        });
        sumSoFar?.dispose();
        hiddenGradients.push(hiddenGradient);
        unembeddingGradient = sum;
      }
      return [tf.concat(hiddenGradients), unembeddingGradient!];
    },
  );
  const [logProbs, entropies] = tf.split(both, 2) as [tf.Tensor, tf.Tensor];
  return { logProbs: tf.reshape(logProbs, [tokens]), entropies: tf.reshape(entropies, [tokens]) };
}

/** A run of consecutive tokens. */
interface Chunk {
  begin: number;
  size: number;
}

/** Cuts `tokens` into chunks of `chunkTokens`, the last one shorter when it does not divide. */
function chunkBounds(tokens: number, chunkTokens: number): Chunk[] {
  if (!Number.isInteger(chunkTokens) || chunkTokens < 1)
    throw new ConfigError({
      who: "tokenLogProbs",
      argument: "chunkTokens",
      expected: "a positive integer",
      received: String(chunkTokens),
    });
  const count = Math.max(1, Math.ceil(tokens / chunkTokens));
  return Array.from({ length: count }, (_, index) => ({
    begin: index * chunkTokens,
    size: Math.min(chunkTokens, tokens - index * chunkTokens),
  }));
}

/** Rows of `hidden` divided by the temperature: cheaper than to divide the logits. */
function scaledRows(hidden: tf.Tensor, chunk: Chunk, model: number, temperature: number): tf.Tensor {
  const rows = tf.slice(hidden, [chunk.begin, 0], [chunk.size, model]);
  return temperature === 1 ? rows : tf.mul(rows, 1 / temperature);
}

/** Forward pass of one chunk. `targets [rows] int32`. */
function chunkStatistics(rows: tf.Tensor, unembedding: tf.Tensor, targets: tf.Tensor): ChunkStatistics {
  const logits = tf.matMul(rows, unembedding, false, true);
  const count = logits.shape[0]!;
  const maximum = tf.max(logits, -1, true);
  const shifted = tf.sub(logits, maximum);
  const exponentials = tf.exp(shifted);
  const sum = tf.sum(exponentials, -1, true);
  const logSum = tf.log(sum);
  const meanShifted = tf.div(tf.sum(tf.mul(exponentials, shifted), -1, true), sum);
  return {
    logits,
    logNormaliser: tf.add(maximum, logSum),
    logProbs: tf.sub(pickColumn(shifted, targets), tf.reshape(logSum, [count])),
    entropies: tf.reshape(tf.sub(logSum, meanShifted), [count]),
  };
}

/** Gradient wrt one chunk's logits (before the division by the temperature); `targets [rows]`, the others `[rows, 1]`. */
function logitsGradient(chunk: {
  logits: tf.Tensor;
  logNormaliser: tf.Tensor;
  entropies: tf.Tensor;
  gradLogProbs: tf.Tensor;
  gradEntropies: tf.Tensor;
  targets: tf.Tensor;
}): tf.Tensor {
  const { logits, logNormaliser, entropies, gradLogProbs, gradEntropies, targets } = chunk;
  const logProbabilities = tf.sub(logits, logNormaliser);
  // −p·(dlogProb + dH·(log p + H)), the part that every entry of the vocabulary gets
  const perRow = tf.add(gradLogProbs, tf.mul(gradEntropies, entropies));
  const spread = tf.neg(tf.mul(tf.exp(logProbabilities), tf.add(tf.mul(logProbabilities, gradEntropies), perRow)));
  // + dlogProb at the target
  return addAtColumn(spread, targets, tf.reshape(gradLogProbs, [targets.size]));
}

/** Returns `temperature` if it can divide logits. */
export function checkTemperature(who: string, temperature: number): number {
  if (!(temperature > 0 && Number.isFinite(temperature)))
    throw new ConfigError({
      who,
      argument: "temperature",
      expected: "a positive number",
      received: String(temperature),
      fix: "For the most probable token use greedyTokens.",
    });
  return temperature;
}
