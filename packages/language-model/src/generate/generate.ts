// Generation for many requests at once: slots of a cache are filled with prompts, advance a few tokens at a time, leave when
// their response ends, and are filled again (continuous batching). Requests with one prompt share its pass through the model.

import { fillKeyedUniforms } from "@longcot/tensor-kernels";
import type { Engine } from "@longcot/tensor-kernels";
import { ConfigError } from "@longcot/errors";
import { countParameters } from "../model/language-model.ts";
import type { LanguageModel } from "../model/language-model.ts";
import { GeneratePrograms, MOST_TURNS } from "./generate-programs.ts";
import type { Decoding } from "./generate-programs.ts";
import type { KeyValueCache } from "./key-value-cache.ts";
import { cacheCapacity, fitsLanes, laneCount, powerOfTwo, promptTime, roundUp, SLOT_STEP, slotsFor } from "./slots.ts";

/** One response to make. `prompt` and `sample` key its random numbers, with the seed and step of the call. */
export interface GenerationRequest {
  /** Token ids, at least one. */
  promptTokens: Int32Array;
  prompt: number;
  sample: number;
  /** Most tokens of this response; absent, or above it: the call's. */
  maxNewTokens?: number;
}

export interface GenerationOptions {
  decoding: Decoding;
  /** Most tokens of a response, the end token included. */
  maxNewTokens: number;
  seed: number;
  /** Training step, or any number that tells calls with one seed apart. */
  step: number;
  /** Tokens that end a response; default: the model's. */
  eosTokenIds?: readonly number[];
  /** Sequences under way at once; default 256. */
  maxSlots?: number;
  /** Stops within a few tokens; the promise is rejected with the signal's reason. */
  signal?: AbortSignal;
  /** Called after every few tokens of the batch. */
  onProgress?: (progress: { finished: number; total: number; tokens: number }) => void;
}

/** A finished response. */
export interface GeneratedResponse {
  /** Token ids, the end token included where there is one. */
  tokens: Int32Array;
  /** Log-probability (nats) of every token at the temperature of sampling, before top-p and top-k. */
  logProbs: Float32Array;
  /** Entropy (nats) of the distribution that every token was drawn from, at the temperature of sampling, before top-p and top-k. */
  entropies: Float32Array;
  /** Probability together of the `massOf` likeliest tokens of the same distributions; absent where decoding asks for none. */
  topMasses?: Float32Array;
  /** `stop`: ended by itself; `length`: cut at `maxNewTokens`. */
  finishReason: "stop" | "length";
}

interface Sequence {
  request: number;
  /** The token to feed next and its position. */
  token: number;
  position: number;
  tokens: number[];
  logProbs: number[];
  entropies: number[];
  topMasses: number[];
}

const DEFAULT_MAX_SLOTS = 256;
/** With pending requests, slots are filled again once this share of them is idle: a fill stops the others. */
const REFILL_SHARE = 1 / 8;
/** A cache no longer than this is made whole at once; a longer one grows as sequences do: attention costs as much as there is room. */
const CAPACITY_AT_ONCE = 64;
/** Room for new tokens that a growing cache starts with. */
const FIRST_ROOM = 32;

/** {@link GenerationOptions} of one lane. */
interface LaneOptions extends Omit<GenerationOptions, "maxSlots" | "signal" | "onProgress"> {
  maxSlots: number;
  signal: AbortSignal;
  onProgress: (progress: { finished: number; tokens: number }) => void;
}

/** What generation keeps of a model as long as it lives: caches and compiled programs by engine, and the call under way. */
interface ModelGeneration {
  byEngine: Map<Engine, { caches: Map<string, Promise<KeyValueCache>>; byDecoding: Map<string, GeneratePrograms> }>;
  last: Promise<unknown>;
}
const generationOf = new WeakMap<LanguageModel, ModelGeneration>();

/**
 * Makes one response per request, in the order of the requests.
 *
 * A response depends on its prompt, its key (seed, step, prompt, sample) and the weights, not on the requests beside it,
 * up to the rounding of float32 sums. Calls for one model run one after the other: they share its caches.
 * @throws ConfigError where a prompt is empty, or prompt and response do not fit the model's context.
 */
export async function generate(
  model: LanguageModel,
  requests: readonly GenerationRequest[],
  options: GenerationOptions,
): Promise<GeneratedResponse[]> {
  const sizes = checkRequests(model, requests, options.maxNewTokens);
  if (requests.length === 0) return [];
  const own = modelGeneration(model);
  const run = () => runInLanes(model, own, requests, sizes, options);
  const result = own.last.then(run, run);
  own.last = result;
  return result;
}

/** Requests side by side, in contiguous shares, so that groups stay together; which goes where does not depend on how long anything takes. */
async function runInLanes(
  model: LanguageModel,
  own: ModelGeneration,
  requests: readonly GenerationRequest[],
  sizes: RequestSizes,
  { signal, onProgress, maxSlots = DEFAULT_MAX_SLOTS, ...options }: GenerationOptions,
): Promise<GeneratedResponse[]> {
  const atOnce = Math.min(requests.length, maxSlots);
  const lanes = fitsLanes(countParameters(model)) ? model.engine.lanes(laneCount(atOnce)) : [model.engine];
  const failed = new AbortController();
  const progress = lanes.map(() => ({ finished: 0, tokens: 0 }));
  const shares = await Promise.allSettled(
    lanes.map(async (engine, lane) => {
      const share = requests.slice((lane * requests.length) / lanes.length, ((lane + 1) * requests.length) / lanes.length);
      try {
        return await runRequests(model, programsFor(own, model, engine, options.decoding), share, sizes, {
          ...options,
          maxSlots: Math.ceil(maxSlots / lanes.length),
          signal: AbortSignal.any(signal === undefined ? [failed.signal] : [signal, failed.signal]),
          onProgress(reached) {
            progress[lane] = reached;
            const sum = (of: keyof typeof reached) => progress.reduce((total, one) => total + one[of], 0);
            onProgress?.({ finished: sum("finished"), total: requests.length, tokens: sum("tokens") });
          },
        });
      } catch (error) {
        failed.abort(error);
        throw error;
      }
    }),
  );
  return shares.flatMap((share) => {
    if (share.status === "rejected") throw share.reason;
    return share.value;
  });
}

async function runRequests(
  model: LanguageModel,
  programs: GeneratePrograms,
  requests: readonly GenerationRequest[],
  { longest, mostPositions }: RequestSizes,
  options: LaneOptions,
): Promise<GeneratedResponse[]> {
  const { seed, step, maxNewTokens } = options;
  const eos = new Set(options.eosTokenIds ?? model.config.eosTokenIds);
  const responses: GeneratedResponse[] = Array.from({ length: requests.length });
  const used = new Set<KeyValueCache>();
  let next = 0;
  let finished = 0;
  let generated = 0;

  const openCache = async (slots: number, capacity: number): Promise<KeyValueCache> => {
    const opened = await programs.cache({ slots, capacity });
    used.add(opened);
    return opened;
  };
  const atOnce = Math.min(requests.length, options.maxSlots);
  const slotCount = Math.min(slotsFor(atOnce, maxNewTokens), roundUp(atOnce, SLOT_STEP));
  let cache = await openCache(
    slotCount,
    cacheCapacity(mostPositions <= CAPACITY_AT_ONCE ? mostPositions : Math.min(mostPositions, longest + FIRST_ROOM)),
  );
  await cache.reset({});
  let slots: (Sequence | undefined)[] = Array.from({ length: slotCount });

  const resize = async (slotsWanted: number, capacity: number): Promise<void> => {
    const target = await openCache(slotsWanted, capacity);
    const order = slots.flatMap((sequence, slot) => (sequence === undefined ? [] : [slot]));
    const keepPlaces = slotsWanted === slots.length;
    const sources = Int32Array.from({ length: slotsWanted }, (_, slot) => (keepPlaces ? slot : (order[slot] ?? 0)));
    await target.moveFrom(cache)(sources);
    await cache.clear();
    used.delete(cache);
    if (!keepPlaces) slots = Array.from({ length: slotsWanted }, (_, slot) => (order[slot] === undefined ? undefined : slots[order[slot]]));
    cache = target;
  };
  const refill = async (): Promise<void> => {
    const taken: { slot: number; prompt: Int32Array }[] = [];
    for (let slot = 0; slot < slots.length && next < requests.length; slot++) {
      if (slots[slot] !== undefined) continue;
      const prompt = requests[next]!.promptTokens;
      slots[slot] = {
        request: next++,
        token: prompt.at(-1)!,
        position: prompt.length - 1,
        tokens: [],
        logProbs: [],
        entropies: [],
        topMasses: [],
      };
      taken.push({ slot, prompt });
    }
    await fillSlots(programs, cache, taken);
  };

  try {
    for (;;) {
      options.signal.throwIfAborted();
      const idle = slots.reduce((count, sequence) => count + (sequence === undefined ? 1 : 0), 0);
      if (next < requests.length && idle >= Math.max(1, slots.length * REFILL_SHARE)) {
        await refill();
      } else if (idle === slots.length) {
        break;
      } else if (next === requests.length) {
        const enough = slotsFor(slots.length - idle, maxNewTokens);
        if (enough < slots.length) await resize(enough, cache.size.capacity);
      }
      const reached = slots.reduce((most, sequence) => Math.max(most, sequence?.position ?? 0), 0) + 1;
      if (reached > cache.size.capacity)
        await resize(slots.length, Math.min(cacheCapacity(2 * cache.size.capacity), cacheCapacity(mostPositions)));

      const turns = turnsFor(slots, requests, cache.size.capacity, maxNewTokens);
      const { tokens, logProbs, entropies, topMasses } = await programs.decode(cache)(decodeInputs(slots, requests, { seed, step, turns }));
      for (let at = 0; at < turns * slots.length; at++) {
        const slot = at % slots.length;
        const sequence = slots[slot];
        if (sequence === undefined) continue;
        const token = tokens[at]!;
        sequence.tokens.push(token);
        sequence.logProbs.push(logProbs[at]!);
        sequence.entropies.push(entropies[at]!);
        if (topMasses !== undefined) sequence.topMasses.push(topMasses[at]!);
        sequence.token = token;
        sequence.position++;
        generated++;
        const stopped = eos.has(token);
        if (!stopped && sequence.tokens.length < capOf(requests[sequence.request]!, maxNewTokens)) continue;
        responses[sequence.request] = {
          tokens: Int32Array.from(sequence.tokens),
          logProbs: Float32Array.from(sequence.logProbs),
          entropies: Float32Array.from(sequence.entropies),
          ...(topMasses === undefined ? {} : { topMasses: Float32Array.from(sequence.topMasses) }),
          finishReason: stopped ? "stop" : "length",
        };
        slots[slot] = undefined;
        finished++;
      }
      options.onProgress({ finished, tokens: generated });
    }
  } finally {
    for (const one of used) await one.clear();
  }
  return responses;
}

const capOf = ({ maxNewTokens: own }: GenerationRequest, most: number): number => Math.min(own ?? most, most);

interface RequestSizes {
  /** Tokens of the longest prompt. */
  longest: number;
  /** Positions of the longest prompt and response. */
  mostPositions: number;
}

function checkRequests(model: LanguageModel, requests: readonly GenerationRequest[], most: number): RequestSizes {
  const checkCap = (cap: number, argument: string): void => {
    if (!Number.isInteger(cap) || cap < 1)
      throw new ConfigError({ who: "generate", argument, expected: "a positive integer", received: String(cap) });
  };
  checkCap(most, "maxNewTokens");
  const limit = model.config.maxPositionEmbeddings;
  let [longest, mostPositions] = [0, 0];
  for (const request of requests) {
    const { promptTokens, prompt, maxNewTokens } = request;
    if (promptTokens.length === 0)
      throw new ConfigError({ who: "generate", argument: `prompt ${prompt}`, expected: "at least one token", received: "none" });
    if (maxNewTokens !== undefined) checkCap(maxNewTokens, `maxNewTokens of prompt ${prompt}`);
    const positions = promptTokens.length + capOf(request, most);
    if (positions > limit)
      throw new ConfigError({
        who: "generate",
        argument: "maxNewTokens",
        expected: `at most ${limit - promptTokens.length}, so that prompt ${prompt} (${promptTokens.length} tokens) and its response fit the model's ${limit} positions`,
        received: String(capOf(request, most)),
      });
    longest = Math.max(longest, promptTokens.length);
    mostPositions = Math.max(mostPositions, positions);
  }
  return { longest, mostPositions };
}

function modelGeneration(model: LanguageModel): ModelGeneration {
  let own = generationOf.get(model);
  if (own === undefined) generationOf.set(model, (own = { byEngine: new Map(), last: Promise.resolve() }));
  return own;
}

function programsFor({ byEngine }: ModelGeneration, model: LanguageModel, engine: Engine, decoding: Decoding): GeneratePrograms {
  let kept = byEngine.get(engine);
  if (kept === undefined) byEngine.set(engine, (kept = { caches: new Map(), byDecoding: new Map() }));
  const key = JSON.stringify(decoding);
  let programs = kept.byDecoding.get(key);
  if (programs === undefined) kept.byDecoding.set(key, (programs = new GeneratePrograms(model, engine, decoding, kept.caches)));
  return programs;
}

/** Passes the prompts of `taken`, all but their last token, through the model once each. */
async function fillSlots(
  programs: GeneratePrograms,
  cache: KeyValueCache,
  taken: readonly { slot: number; prompt: Int32Array }[],
): Promise<void> {
  const indexOf = new Map<string, number>();
  const distinct: Int32Array[] = [];
  const promptOf = taken.map(({ prompt }) => {
    const key = prompt.join();
    let index = indexOf.get(key);
    if (index === undefined) {
      index = distinct.push(prompt) - 1;
      indexOf.set(key, index);
    }
    return index;
  });
  const longest = distinct.reduce((most, prompt) => Math.max(most, prompt.length - 1), 0);
  if (longest === 0) return;
  const size = {
    prompts: powerOfTwo(distinct.length),
    time: Math.min(promptTime(longest), cache.size.capacity),
    slots: powerOfTwo(taken.length),
  };
  const ids = new Int32Array(size.prompts * size.time);
  distinct.forEach((prompt, i) => ids.set(prompt.subarray(0, -1), i * size.time));
  // Places beyond what is taken repeat the first: written twice, alike.
  const repeated = (values: readonly number[]) => Int32Array.from({ length: size.slots }, (_, i) => values[i] ?? values[0]!);
  await programs.fill(cache, size)({ ids, prompts: repeated(promptOf), slots: repeated(taken.map(({ slot }) => slot)) });
}

/** Tokens that the next call makes of each sequence: no more than the cache has room for, nor than the longest under way still needs. */
function turnsFor(
  slots: readonly (Sequence | undefined)[],
  requests: readonly GenerationRequest[],
  capacity: number,
  maxNewTokens: number,
): number {
  let [room, needed] = [MOST_TURNS, 1];
  for (const sequence of slots) {
    if (sequence === undefined) continue;
    room = Math.min(room, capacity - sequence.position);
    needed = Math.max(needed, capOf(requests[sequence.request]!, maxNewTokens) - sequence.tokens.length);
  }
  return Math.min(room, needed);
}

/** What the next decode call reads; an idle slot feeds token 0 at position 0, which nobody looks at. */
function decodeInputs(
  slots: readonly (Sequence | undefined)[],
  requests: readonly GenerationRequest[],
  { seed, step, turns }: { seed: number; step: number; turns: number },
) {
  const field = (of: (sequence: Sequence) => number) => Int32Array.from(slots, (sequence) => (sequence === undefined ? 0 : of(sequence)));
  const uniforms = new Float32Array(MOST_TURNS * slots.length);
  const [prompts, samples] = [field(({ request }) => requests[request]!.prompt), field(({ request }) => requests[request]!.sample)];
  for (let turn = 0; turn < turns; turn++)
    fillKeyedUniforms(uniforms.subarray(turn * slots.length, (turn + 1) * slots.length), {
      seed,
      step,
      prompts,
      samples,
      positions: field(({ tokens }) => tokens.length + turn),
    });
  return { tokens: field(({ token }) => token), positions: field(({ position }) => position), uniforms, turns: Int32Array.of(turns) };
}
