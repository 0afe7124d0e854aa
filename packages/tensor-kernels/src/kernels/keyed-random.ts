// Random numbers as a pure function of a key: the same key gives the same number in whatever batch, order or process.
// The generator is Philox 4x32-10 (Salmon et al., SC11, doi 10.1145/2063384.2063405), in 32-bit integer arithmetic.
import { ConfigError, ShapeError } from "@longcot/errors";

/** Four 32-bit words. */
export type PhiloxCounter = readonly [number, number, number, number];
/** Two 32-bit words. */
export type PhiloxKey = readonly [number, number];

const ROUNDS = 10;
const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const TWO_32 = 2 ** 32;

/** The purposes that draw numbers; part of the key, so that none shares a number with another. */
const SAMPLING_DOMAIN = 0;
const NORMAL_DOMAIN = 1;
/** Bits of the key's high word that the high part of a seed takes (seeds reach 2^53); the domain has the other 11. */
const SEED_HIGH_BITS = 21;

/** Returns the four 32-bit words (unsigned) of Philox 4x32-10 at `counter` under `key`. */
export function philox4x32(counter: PhiloxCounter, key: PhiloxKey): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const next0 = high1 ^ c1 ^ k0;
    const next2 = high0 ^ c3 ^ k1;
    c1 = Math.imul(MULTIPLIER_1, c2);
    c3 = Math.imul(MULTIPLIER_0, c0);
    c0 = next0;
    c2 = next2;
    k0 = (k0 + WEYL_0) | 0;
    k1 = (k1 + WEYL_1) | 0;
  }
  return [c0 >>> 0, c1 >>> 0, c2 >>> 0, c3 >>> 0];
}

/** High 32 bits of the 64-bit product of two unsigned 32-bit numbers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) | 0;
}

/** What decides one sampled token; integers, the seed below 2^53, the others below 2^32. */
export interface SamplingKey {
  seed: number;
  /** Training step. */
  step: number;
  /** Number of the prompt, the same wherever the prompt stands in a batch. */
  prompt: number;
  /** Number of the response within the prompt's group. */
  sample: number;
  /** Position of the token in the response. */
  position: number;
}

/**
 * Returns the uniform number of `key`: a float32 value in [0, 1), a multiple of 2^-24.
 * @throws ConfigError when a part of the key is not an integer in its range.
 */
export function keyedUniform(key: SamplingKey): number {
  const counter = [key.position, key.sample, key.prompt, key.step] as const;
  (["position", "sample", "prompt", "step"] as const).forEach((part) => checkInteger("keyedUniform", part, key[part], TWO_32));
  return unitInterval(philox4x32(counter, domainKey("keyedUniform", key.seed, SAMPLING_DOMAIN))[0]);
}

/** The parts of a {@link SamplingKey} of every row of a batch; the arrays have one length. */
export interface SamplingKeys {
  seed: number;
  step: number;
  prompts: ArrayLike<number>;
  samples: ArrayLike<number>;
  positions: ArrayLike<number>;
}

/**
 * Writes {@link keyedUniform} of every row into `out`.
 * @throws ShapeError when the lengths differ; ConfigError as keyedUniform.
 */
export function fillKeyedUniforms(out: Float32Array, keys: SamplingKeys): void {
  const { seed, step, prompts, samples, positions } = keys;
  for (const [argument, array] of [
    ["prompts", prompts],
    ["samples", samples],
    ["positions", positions],
  ] as const) {
    if (array.length !== out.length)
      throw new ShapeError({
        who: "fillKeyedUniforms",
        argument,
        expected: `${out.length} entries`,
        received: String(array.length),
      });
  }
  for (let row = 0; row < out.length; row++)
    out[row] = keyedUniform({
      seed,
      step,
      prompt: prompts[row]!,
      sample: samples[row]!,
      position: positions[row]!,
    });
}

/** What decides one normal number: a seed, a name (such as a weight's), and the index below 2^53 within that stream. */
export interface NormalKey {
  seed: number;
  stream: string;
  index: number;
}

/**
 * Returns the standard normal number of `key`, by Box-Muller on 32-bit uniforms (largest magnitude 6.8).
 * @throws ConfigError when seed or index is not an integer in its range.
 */
export function keyedNormal({ seed, stream, index }: NormalKey): number {
  checkInteger("keyedNormal", "index", index, Number.MAX_SAFE_INTEGER);
  return normalsOfBlock(domainKey("keyedNormal", seed, NORMAL_DOMAIN), hashName(stream), Math.floor(index / 4))[index % 4]!;
}

/**
 * Writes `mean + standardDeviation · keyedNormal({ seed, stream, index })` into `out[index]`.
 * @throws ConfigError when the seed is not an integer in its range.
 */
export function fillKeyedNormals(
  out: Float32Array,
  options: { seed: number; stream: string; mean: number; standardDeviation: number },
): void {
  const key = domainKey("fillKeyedNormals", options.seed, NORMAL_DOMAIN);
  const name = hashName(options.stream);
  for (let begin = 0; begin < out.length; begin += 4) {
    const normals = normalsOfBlock(key, name, begin / 4);
    for (let lane = 0; lane < 4 && begin + lane < out.length; lane++)
      out[begin + lane] = options.mean + options.standardDeviation * normals[lane]!;
  }
}

/** The four normal numbers of one Philox block. */
function normalsOfBlock(key: PhiloxKey, [nameLow, nameHigh]: readonly [number, number], block: number): [number, number, number, number] {
  const words = philox4x32([block % TWO_32, Math.floor(block / TWO_32), nameLow, nameHigh], key);
  const [a, b] = boxMuller(words[0], words[1]);
  const [c, d] = boxMuller(words[2], words[3]);
  return [a, b, c, d];
}

function boxMuller(first: number, second: number): [number, number] {
  const radius = Math.sqrt(-2 * Math.log((first + 0.5) / TWO_32));
  const angle = (2 * Math.PI * second) / TWO_32;
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

/** The upper 24 bits as a fraction: exact in float32, never 1. */
function unitInterval(word: number): number {
  return (word >>> 8) / 2 ** 24;
}

function domainKey(who: string, seed: number, domain: number): PhiloxKey {
  checkInteger(who, "seed", seed, Number.MAX_SAFE_INTEGER);
  return [seed % TWO_32, domain * 2 ** SEED_HIGH_BITS + Math.floor(seed / TWO_32)];
}

/** FNV-1a, 64 bits, of the UTF-8 bytes of `name`, as low and high word. */
function hashName(name: string): readonly [number, number] {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(name)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return [Number(hash & 0xffffffffn), Number(hash >> 32n)];
}

function checkInteger(who: string, argument: string, value: number, limit: number): void {
  if (!(Number.isInteger(value) && value >= 0 && value < limit))
    throw new ConfigError({
      who,
      argument,
      expected: `an integer in [0, ${limit})`,
      received: String(value),
    });
}
