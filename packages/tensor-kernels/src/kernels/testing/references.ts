// The kernels' formulas in double precision on flat arrays: slow, plain, and independent of tensors.
// Letters: b batch, h heads, t query time, s key time, d headDim, n tokens, v vocab, m model.

type Numbers = ArrayLike<number>;

/** Rows of `columns` entries. */
export function rowsOf(values: Numbers, columns: number): number[][] {
  return Array.from({ length: values.length / columns }, (_, row) =>
    Array.from({ length: columns }, (__, column) => values[row * columns + column]!),
  );
}

export function dot(a: Numbers, b: Numbers): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

export function softmax(row: Numbers): number[] {
  const values = Array.from(row);
  const maximum = Math.max(...values);
  const exponentials = values.map((value) => Math.exp(value - maximum));
  const sum = exponentials.reduce((a, b) => a + b, 0);
  return exponentials.map((value) => value / sum);
}

/** x [n, m], weight [m]. */
export function rmsNormReference(x: Numbers, weight: Numbers, epsilon: number): number[] {
  return rowsOf(x, weight.length).flatMap((row) => {
    const rootMeanSquare = Math.sqrt(dot(row, row) / row.length + epsilon);
    return row.map((value, i) => (value / rootMeanSquare) * weight[i]!);
  });
}

/** x [b, h, t, d], positions [b, t]; pairs (i, i + d/2) rotated as complex numbers. */
export function ropeReference(
  x: Numbers,
  positions: Numbers,
  [batch, heads, time, headDim]: [number, number, number, number],
  theta: number,
): number[] {
  const out = Array.from(x);
  const half = headDim / 2;
  for (let b = 0; b < batch; b++)
    for (let h = 0; h < heads; h++)
      for (let t = 0; t < time; t++)
        for (let i = 0; i < half; i++) {
          const angle = positions[b * time + t]! * theta ** ((-2 * i) / headDim);
          const at = ((b * heads + h) * time + t) * headDim + i;
          const [re, im] = [x[at]!, x[at + half]!];
          out[at] = re * Math.cos(angle) - im * Math.sin(angle);
          out[at + half] = im * Math.cos(angle) + re * Math.sin(angle);
        }
  return out;
}

/** query [b, h, t, d], key and value [b, kvHeads, s, d]; `allowed` says which keys a query sees. */
export function attentionReference(
  [query, key, value]: [Numbers, Numbers, Numbers],
  dims: {
    batch: number;
    heads: number;
    kvHeads: number;
    time: number;
    keyTime: number;
    headDim: number;
  },
  scale: number,
  allowed: (b: number, t: number, s: number) => boolean,
): number[] {
  const { batch, heads, kvHeads, time, keyTime, headDim } = dims;
  const [queries, keys, values] = [rowsOf(query, headDim), rowsOf(key, headDim), rowsOf(value, headDim)];
  const out: number[] = [];
  for (let b = 0; b < batch; b++)
    for (let h = 0; h < heads; h++)
      for (let t = 0; t < time; t++) {
        const keyHead = b * kvHeads + Math.floor((h * kvHeads) / heads);
        const seen = Array.from({ length: keyTime }, (_, s) => s).filter((s) => allowed(b, t, s));
        const weights = softmax(seen.map((s) => scale * dot(queries[(b * heads + h) * time + t]!, keys[keyHead * keyTime + s]!)));
        for (let d = 0; d < headDim; d++) out.push(seen.reduce((sum, s, i) => sum + weights[i]! * values[keyHead * keyTime + s]![d]!, 0));
      }
  return out;
}

/** gateUp [n, 2·ffn]. */
export function swigluReference(gate: Numbers, up: Numbers): number[] {
  return Array.from(gate, (value, i) => (value / (1 + Math.exp(-value))) * up[i]!);
}

/** x [n, in], weight [in, out], bias [out]. */
export function linearReference(x: Numbers, weight: Numbers, bias: Numbers, inSize: number): number[] {
  const weightRows = rowsOf(weight, bias.length);
  return rowsOf(x, inSize).flatMap((row) =>
    Array.from(bias, (offset, column) => offset + row.reduce((sum, value, i) => sum + value * weightRows[i]![column]!, 0)),
  );
}

/** hidden [n, m], unembedding [v, m], targets [n]: log-probabilities and entropies. */
export function tokenLogProbsReference(
  hidden: Numbers,
  unembedding: Numbers,
  targets: Numbers,
  model: number,
  temperature: number,
): [number[], number[]] {
  const vocabulary = rowsOf(unembedding, model);
  const distributions = rowsOf(hidden, model).map((row) => softmax(vocabulary.map((entry) => dot(row, entry) / temperature)));
  return [
    distributions.map((p, i) => Math.log(p[targets[i]!]!)),
    distributions.map((p) => -p.reduce((sum, value) => sum + (value > 0 ? value * Math.log(value) : 0), 0)),
  ];
}

/** torch.optim.AdamW, one step, as its documentation writes it. */
export function adamWReference(
  [parameter, gradient, firstMoment, secondMoment]: [Numbers, Numbers, Numbers, Numbers],
  options: {
    step: number;
    learningRate: number;
    beta1: number;
    beta2: number;
    epsilon: number;
    weightDecay: number;
  },
): [number[], number[], number[]] {
  const { step, learningRate, beta1, beta2, epsilon, weightDecay } = options;
  const first = Array.from(firstMoment, (m, i) => beta1 * m + (1 - beta1) * gradient[i]!);
  const second = Array.from(secondMoment, (v, i) => beta2 * v + (1 - beta2) * gradient[i]! ** 2);
  const updated = Array.from(parameter, (p, i) => {
    const corrected = first[i]! / (1 - beta1 ** step) / (Math.sqrt(second[i]! / (1 - beta2 ** step)) + epsilon);
    return p * (1 - learningRate * weightDecay) - learningRate * corrected;
  });
  return [updated, first, second];
}

/** Inverse-CDF choice among the tokens that topK, then topP keep; log-probabilities, entropies and, if asked for, top-k mass of the whole distribution. */
export function sampleReference(
  logits: Numbers,
  uniforms: Numbers,
  vocab: number,
  options: { temperature: number; topP: number; topK: number; massOf?: number },
): number[][] {
  const tokens: number[] = [];
  const logProbs: number[] = [];
  const entropies: number[] = [];
  const topMasses: number[] = [];
  rowsOf(logits, vocab).forEach((row, r) => {
    const p = softmax(row.map((logit) => logit / options.temperature));
    const ranked = p
      .map((_, id) => id)
      .toSorted((a, b) => p[b]! - p[a]!)
      .slice(0, options.topK);
    const rankedMass = ranked.reduce((sum, id) => sum + p[id]!, 0);
    const kept: number[] = [];
    for (let mass = 0, rank = 0; rank < ranked.length && mass < options.topP * rankedMass; rank++) {
      kept.push(ranked[rank]!);
      mass += p[ranked[rank]!]!;
    }
    const keptMass = kept.reduce((sum, id) => sum + p[id]!, 0);
    let cumulative = 0;
    const token = kept.toSorted((a, b) => a - b).find((id) => (cumulative += p[id]!) > uniforms[r]! * keptMass);
    tokens.push(token!);
    logProbs.push(Math.log(p[token!]!));
    entropies.push(entropyOf(p));
    const largest = p.toSorted((a, b) => b - a).slice(0, options.massOf);
    topMasses.push(largest.reduce((sum, probability) => sum + probability, 0));
  });
  return [tokens, logProbs, entropies, ...(options.massOf === undefined ? [] : [topMasses])];
}

/** −Σ p·log p in nats. */
export function entropyOf(p: readonly number[]): number {
  return -p.reduce((sum, each) => sum + (each > 0 ? each * Math.log(each) : 0), 0);
}
