// config.json as a typed, checked ModelConfig, and back. Reads the classical layout (`rope_theta`, `torch_dtype`) and the newer one
// (`rope_parameters`, `dtype`); writes the classical one, which old and new readers load.
// What differs between architectures is in their files, ../architectures; a scalar head is transformers' sequence classifier with one label.
import { ConfigError } from "@longcot/errors";
import type { ConfigFacts, ModelHead } from "../architectures/architecture.ts";
import { ARCHITECTURES } from "../architectures/index.ts";
import { fieldReader, type FieldReader } from "./config-fields.ts";
import type { WeightDtype } from "./half-precision.ts";
import { describeValue, isJsonObject, type JsonObject } from "./json-file.ts";
import { readRope, ropeFields, type RopeConfig } from "./rope-config.ts";

/** A supported `model_type`. */
export type Architecture = keyof typeof ARCHITECTURES;

/** A language model's shape and constants. */
export interface ModelConfig extends RopeConfig {
  architecture: Architecture;
  /** Rows of the embedding; at least the tokenizer's largest id + 1. */
  vocabSize: number;
  hiddenSize: number;
  intermediateSize: number;
  layers: number;
  attentionHeads: number;
  /** Divides `attentionHeads`. */
  keyValueHeads: number;
  /** Even. */
  headDim: number;
  /** Most positions that a token sees, its own included; absent: all before it. */
  slidingWindow?: number;
  rmsNormEpsilon: number;
  /** Whether the output projection is the embedding itself. */
  tieWordEmbeddings: boolean;
  /** The longest sequence, in tokens. */
  maxPositionEmbeddings: number;
  /** Whether the query, key and value projections have a bias. */
  attentionBias: boolean;
  /** Standard deviation of new weights. */
  initializerRange: number;
  /** Element type of the weights on disk. */
  dtype: WeightDtype;
  /** Tokens that end a response, the tokenizer's own first; empty where neither file names one. generation_config.json overrules config.json. */
  eosTokenIds: readonly number[];
  /** Absent: the model names none. */
  bosTokenId?: number;
  /** Absent: the model names none. */
  padTokenId?: number;
}

/**
 * Checks the content of config.json, and of generation_config.json where the model has one.
 * @param who the file, for messages.
 * @param head what the model must have; default: a language model's.
 * @throws ConfigError naming architecture and field where a field is missing, malformed, inconsistent or not supported.
 */
export function parseModelConfig(
  file: JsonObject,
  generation?: JsonObject,
  who = "config.json",
  head: ModelHead = "language",
): ModelConfig {
  const architecture = checkArchitecture(file, who, head);
  const { facts } = ARCHITECTURES[architecture];
  const json: JsonObject = { ...facts.defaults, ...file };
  const field = fieldReader(json, `${who} (${architecture})`);
  refuseUnsupported(json, facts, field);
  if (head !== "language") checkOneLabel(json, field);

  const hiddenSize = field.size("hidden_size");
  const attentionHeads = field.size("num_attention_heads");
  const keyValueHeads = json["num_key_value_heads"] == null ? attentionHeads : field.size("num_key_value_heads");
  if (attentionHeads % keyValueHeads !== 0) field.refuse("num_key_value_heads", `a divisor of num_attention_heads (${attentionHeads})`);
  if (json["head_dim"] == null && hiddenSize % attentionHeads !== 0)
    field.refuse("num_attention_heads", `a divisor of hidden_size (${hiddenSize})`);
  const headDim = json["head_dim"] == null ? hiddenSize / attentionHeads : field.size("head_dim");
  if (headDim % 2 !== 0) field.refuse("head_dim", `even, as rotary position embedding needs; it is ${headDim}, with`);
  const vocabSize = field.size("vocab_size");

  const tokenIds = (key: string): number[] => {
    const value = generation?.[key] ?? json[key];
    if (value == null) return [];
    const ids: unknown[] = Array.isArray(value) ? value : [value];
    for (const id of ids) {
      if (!Number.isSafeInteger(id) || (id as number) < 0 || (id as number) >= vocabSize) {
        field.refuse(key, `token ids below vocab_size (${vocabSize})`, value);
      }
    }
    return ids as number[];
  };
  const [bosTokenId] = tokenIds("bos_token_id");
  const [padTokenId] = tokenIds("pad_token_id");
  return {
    architecture,
    vocabSize,
    hiddenSize,
    intermediateSize: field.size("intermediate_size"),
    layers: field.size("num_hidden_layers"),
    attentionHeads,
    keyValueHeads,
    headDim,
    ...readRope(json, field),
    ...(facts.slidingWindow && json["sliding_window"] != null ? { slidingWindow: field.size("sliding_window") } : {}),
    rmsNormEpsilon: field.positive("rms_norm_eps", 1e-6),
    tieWordEmbeddings: field.flag("tie_word_embeddings", false),
    maxPositionEmbeddings: field.size("max_position_embeddings"),
    attentionBias: facts.attentionBias,
    initializerRange: field.positive("initializer_range", 0.02),
    dtype: readDtype(json, field),
    eosTokenIds: tokenIds("eos_token_id"),
    ...(bosTokenId === undefined ? {} : { bosTokenId }),
    ...(padTokenId === undefined ? {} : { padTokenId }),
  };
}

/** The content of config.json for `config`, in the classical layout. `dtype`: the element type that the weights are written in. */
export function serializeModelConfig(config: ModelConfig, dtype: WeightDtype = config.dtype, head: ModelHead = "language"): JsonObject {
  const { eosTokenIds } = config;
  const { facts } = ARCHITECTURES[config.architecture];
  const impliedHeadDim = facts.defaults["head_dim"] ?? config.hiddenSize / config.attentionHeads;
  return {
    ...facts.fixed,
    ...ropeFields(config),
    ...(facts.slidingWindow ? { sliding_window: config.slidingWindow ?? null } : {}),
    architectures: [className(config.architecture, head)],
    attention_dropout: 0,
    bos_token_id: config.bosTokenId ?? null,
    eos_token_id: eosTokenIds.length > 1 ? [...eosTokenIds] : (eosTokenIds[0] ?? null),
    ...(config.headDim === impliedHeadDim ? {} : { head_dim: config.headDim }),
    hidden_act: "silu",
    hidden_size: config.hiddenSize,
    initializer_range: config.initializerRange,
    intermediate_size: config.intermediateSize,
    max_position_embeddings: config.maxPositionEmbeddings,
    model_type: config.architecture,
    num_attention_heads: config.attentionHeads,
    num_hidden_layers: config.layers,
    num_key_value_heads: config.keyValueHeads,
    pad_token_id: config.padTokenId ?? null,
    rms_norm_eps: config.rmsNormEpsilon,
    tie_word_embeddings: config.tieWordEmbeddings,
    torch_dtype: dtype,
    use_cache: true,
    vocab_size: config.vocabSize,
    ...(head !== "language" ? { id2label: { 0: "LABEL_0" }, label2id: { LABEL_0: 0 }, num_labels: 1 } : {}),
  };
}

function className(architecture: Architecture, head: ModelHead): string {
  return `${ARCHITECTURES[architecture].facts.className}${CLASS_SUFFIX[head]}`;
}

const CLASS_SUFFIX = {
  language: "ForCausalLM",
  scalar: "ForSequenceClassification",
  "token-scalar": "ForTokenClassification",
} as const satisfies Record<ModelHead, string>;
const HEADS = Object.keys(CLASS_SUFFIX) as ModelHead[];

/** The head that `architectures` of a config.json names; undefined where it names none that is supported. */
export function headOfConfig(json: JsonObject): ModelHead | undefined {
  const classes = json["architectures"];
  return Array.isArray(classes) && classes.length === 1
    ? HEADS.find((head) => typeof classes[0] === "string" && classes[0].endsWith(CLASS_SUFFIX[head]))
    : undefined;
}

function checkArchitecture(json: JsonObject, who: string, head: ModelHead): Architecture {
  const modelType = json["model_type"];
  const classes = json["architectures"];
  if (typeof modelType !== "string" || !Object.hasOwn(ARCHITECTURES, modelType)) {
    throw new ConfigError({
      who,
      argument: "model_type",
      expected: new Intl.ListFormat("en", { type: "disjunction" }).format(Object.keys(ARCHITECTURES)),
      received: `${describeValue(modelType)}${Array.isArray(classes) ? ` (${classes.join(", ")})` : ""}`,
    });
  }
  const architecture = modelType as Architecture;
  const expected = className(architecture, head);
  // A language model's class may be left out; a classifier's may not, since all else looks like a language model's.
  const isExpected = classes == null ? head === "language" : Array.isArray(classes) && classes.length === 1 && classes[0] === expected;
  if (!isExpected) {
    const other = headOfConfig(json);
    throw new ConfigError({
      who: `${who} (${architecture})`,
      argument: "architectures",
      expected: `["${expected}"]`,
      received: describeValue(classes),
      ...(other === undefined || other === head ? {} : { fix: `This directory holds a ${other} model` }),
    });
  }
  return architecture;
}

/** @throws ConfigError where a sequence classifier has not just one label: transformers takes two where config.json says nothing. */
function checkOneLabel(json: JsonObject, field: FieldReader): void {
  const labels = json["id2label"];
  if (labels != null) {
    if (!isJsonObject(labels) || Object.keys(labels).length !== 1) field.refuse("id2label", "one label");
  } else if (json["num_labels"] !== 1) field.refuse("num_labels", "1");
}

function refuseUnsupported(json: JsonObject, facts: ConfigFacts, field: FieldReader): void {
  const supports = (key: string, expected: string, isSupported: (value: unknown) => boolean): void => {
    if (json[key] != null && !isSupported(json[key])) field.refuse(key, `${expected} (nothing else is supported)`);
  };
  supports("hidden_act", '"silu"', (value) => value === "silu");
  supports("attention_dropout", "0", (value) => value === 0);
  supports("quantization_config", "absent", () => false);
  supports("partial_rotary_factor", "1", (value) => value === 1);
  for (const [key, only] of Object.entries(facts.fixed)) supports(key, String(only), (value) => value === only);
  const layerType = facts.slidingWindow && json["sliding_window"] != null ? "sliding_attention" : "full_attention";
  supports("layer_types", `"${layerType}" for every layer`, (value) => Array.isArray(value) && value.every((type) => type === layerType));
}

function readDtype(json: JsonObject, field: FieldReader): WeightDtype {
  const key = json["dtype"] == null ? "torch_dtype" : "dtype";
  const value = json[key] ?? "float32";
  if (value !== "float32" && value !== "bfloat16" && value !== "float16") return field.refuse(key, "float32, bfloat16 or float16");
  return value;
}
