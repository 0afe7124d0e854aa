// `--what-if clip_high=0.28`: a clipping rule in words, on top of the recipe's own.
import { ConfigError } from "@longcot/errors";
import type { ClipRule } from "@longcot/entropy-dynamics";
import type { Recipe } from "../recipe/schema.ts";

/** A rule with the words that asked for it. */
export interface NamedRule {
  name: string;
  rule: ClipRule;
}

const KEYS = {
  kind: "token, sequence or clip_cov",
  clip_low: "a number above 0 and below 1",
  clip_high: "a number above 0",
  dual_clip: "a number above 1",
  ratio: "a number above 0 and at most 1",
  lower_bound: "a number",
  upper_bound: "a number",
} as const;
type Key = keyof typeof KEYS;

/** The rule that the run was trained with. @throws ConfigError for a loss that stops tokens by no rule on their ratios alone. */
export function ownRule({ loss }: Recipe): NamedRule {
  const { clip_low: clipLow, clip_high: clipHigh, dual_clip: dualClip } = loss;
  if (clipLow === undefined || clipHigh === undefined || !(loss.name in RATIO_RULES))
    throw new ConfigError({
      who: "--what-if",
      expected: `a run whose loss is one of ${Object.keys(RATIO_RULES).join(", ")}`,
      received: loss.name,
    });
  const name = `as trained (clip_low ${clipLow}, clip_high ${clipHigh}${dualClip === undefined ? "" : `, dual_clip ${dualClip}`})`;
  const kind = RATIO_RULES[loss.name as keyof typeof RATIO_RULES];
  return { name, rule: { kind, clipLow, clipHigh, ...(kind === "token" && dualClip !== undefined ? { dualClip } : {}) } };
}

/** Whose ratio each loss clips. */
const RATIO_RULES = { magic: "token", ppo: "token", grpo: "token", "dr-grpo": "token", dapo: "token", gspo: "sequence" } as const;

/** Parses `key=value,…`; what it leaves out is as in the recipe. @throws ConfigError naming the part that does not fit. */
export function parseRule(text: string, recipe: Recipe): NamedRule {
  const { rule: own } = ownRule(recipe);
  const values = new Map<Key, string>();
  for (const part of text.split(",")) {
    const [key, value, ...rest] = part.split("=").map((word) => word.trim());
    if (key === undefined || !Object.hasOwn(KEYS, key) || value === undefined || value === "" || rest.length > 0)
      throw new ConfigError({
        who: "--what-if",
        expected: `key=value,… of ${Object.keys(KEYS).join(", ")}`,
        received: JSON.stringify(text),
      });
    values.set(key as Key, value);
  }
  const number = (key: Key, fits: (value: number) => boolean): number | undefined => {
    const given = values.get(key);
    if (given === undefined) return undefined;
    if (!fits(Number(given))) throw new ConfigError({ who: "--what-if", argument: key, expected: KEYS[key], received: given });
    return Number(given);
  };
  const kind = values.get("kind") ?? "token";
  const clipLow = number("clip_low", (x) => x > 0 && x < 1) ?? own.clipLow;
  const clipHigh = number("clip_high", (x) => x > 0) ?? own.clipHigh;
  const dualClip = number("dual_clip", (x) => x > 1);
  const ratio = number("ratio", (x) => x > 0 && x <= 1);
  const lowerBound = number("lower_bound", Number.isFinite);
  const upperBound = number("upper_bound", Number.isFinite);
  const strayFor = (keys: readonly Key[]) => {
    const stray = keys.find((key) => values.has(key));
    if (stray !== undefined)
      throw new ConfigError({
        who: "--what-if",
        argument: stray,
        expected: `absent, since it has no effect with kind=${kind}`,
        received: values.get(stray)!,
      });
  };
  switch (kind) {
    case "token":
      strayFor(["ratio", "lower_bound", "upper_bound"]);
      return { name: text, rule: { kind, clipLow, clipHigh, ...(dualClip === undefined ? {} : { dualClip }) } };
    case "sequence":
      strayFor(["ratio", "lower_bound", "upper_bound", "dual_clip"]);
      return { name: text, rule: { kind, clipLow, clipHigh } };
    case "clip_cov":
      strayFor(["dual_clip"]);
      return {
        name: text,
        rule: {
          kind,
          clipLow,
          clipHigh,
          ...(ratio === undefined ? {} : { ratio }),
          ...(lowerBound === undefined ? {} : { lowerBound }),
          ...(upperBound === undefined ? {} : { upperBound }),
        },
      };
    default:
      throw new ConfigError({ who: "--what-if", argument: "kind", expected: KEYS.kind, received: kind });
  }
}
