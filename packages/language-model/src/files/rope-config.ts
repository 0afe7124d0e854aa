// Rotary positions in config.json: `rope_theta` and `rope_scaling` (classical layout), or `rope_parameters` with both.
import type { FieldReader } from "./config-fields.ts";
import { isJsonObject, type JsonObject } from "./json-file.ts";

/** Llama 3's stretching of the slow frequencies; see ../architectures/rope-frequencies.ts. */
export interface RopeScaling {
  kind: "llama3";
  /** How much longer the slowest wavelengths become. */
  factor: number;
  /** Wavelengths above original / this are stretched by the whole factor. */
  lowFrequencyFactor: number;
  /** Wavelengths below original / this stay as they are; greater than the low one. */
  highFrequencyFactor: number;
  /** Positions that the model was first trained on. */
  originalMaxPositionEmbeddings: number;
}

export interface RopeConfig {
  ropeTheta: number;
  /** Absent: plain frequencies. */
  ropeScaling?: RopeScaling;
}

/** `rope_theta` where config.json has none, of every supported architecture. */
const DEFAULT_ROPE_THETA = 10_000;

/** @throws ConfigError (by `field`) for a kind of scaling that is not supported, or two fields that contradict each other. */
export function readRope(json: JsonObject, field: FieldReader): RopeConfig {
  let ropeTheta = json["rope_theta"] == null ? undefined : field.positive("rope_theta");
  let ropeScaling: RopeScaling | undefined;
  for (const key of ["rope_scaling", "rope_parameters"]) {
    const rope = json[key];
    if (rope == null) continue;
    if (!isJsonObject(rope)) return field.refuse(key, "an object");
    const kind = rope["rope_type"] ?? rope["type"] ?? "default";
    if (kind !== "default" && kind !== "llama3") field.refuse(key, 'of rope_type "default" or "llama3" (nothing else is supported)');
    if (rope["partial_rotary_factor"] != null && rope["partial_rotary_factor"] !== 1)
      field.refuse(key, "with partial_rotary_factor 1 (nothing else is supported)");
    if (kind === "llama3") ropeScaling = readScaling(field.within(key), json["max_position_embeddings"]);
    const value = rope["rope_theta"];
    if (value == null) continue;
    if (typeof value !== "number" || !(value > 0)) return field.refuse(key, "with a positive rope_theta");
    if (ropeTheta !== undefined && ropeTheta !== value) field.refuse(key, `of the same rope_theta as given before (${ropeTheta})`);
    ropeTheta = value;
  }
  return { ropeTheta: ropeTheta ?? DEFAULT_ROPE_THETA, ...(ropeScaling === undefined ? {} : { ropeScaling }) };
}

function readScaling(field: FieldReader, maxPositionEmbeddings: unknown): RopeScaling {
  const lowFrequencyFactor = field.positive("low_freq_factor");
  const highFrequencyFactor = field.positive("high_freq_factor");
  if (highFrequencyFactor <= lowFrequencyFactor) field.refuse("high_freq_factor", `greater than low_freq_factor (${lowFrequencyFactor})`);
  const original = "original_max_position_embeddings";
  return {
    kind: "llama3",
    factor: field.positive("factor"),
    lowFrequencyFactor,
    highFrequencyFactor,
    originalMaxPositionEmbeddings: field.positive(original, typeof maxPositionEmbeddings === "number" ? maxPositionEmbeddings : undefined),
  };
}

/** The fields of config.json for `config`, in the classical layout. */
export function ropeFields({ ropeTheta, ropeScaling }: RopeConfig): JsonObject {
  if (ropeScaling === undefined) return { rope_theta: ropeTheta };
  return {
    rope_scaling: {
      factor: ropeScaling.factor,
      high_freq_factor: ropeScaling.highFrequencyFactor,
      low_freq_factor: ropeScaling.lowFrequencyFactor,
      original_max_position_embeddings: ropeScaling.originalMaxPositionEmbeddings,
      rope_type: ropeScaling.kind,
    },
    rope_theta: ropeTheta,
  };
}
