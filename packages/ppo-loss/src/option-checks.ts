// Checks on plain options that several algorithms of this package take.
import { ConfigError } from "@longcot/errors";

/** Throws a ConfigError unless `value` is finite and at least `least` (above it, with `exclusive`), at most `most`, and, with `whole`, an integer. */
export function checkNumber(
  who: string,
  argument: string,
  value: number,
  {
    least = -Infinity,
    most = Infinity,
    exclusive = false,
    whole = false,
  }: { least?: number; most?: number; exclusive?: boolean; whole?: boolean },
): void {
  if ((whole ? Number.isInteger(value) : Number.isFinite(value)) && value <= most && (exclusive ? value > least : value >= least)) return;
  const low = least === -Infinity ? "" : `${exclusive ? "above" : "at least"} ${least}`;
  const high = most === Infinity ? "" : `at most ${most}`;
  const range = [low, high].filter((part) => part !== "").join(" and ");
  throw new ConfigError({
    who,
    argument,
    expected: `${whole ? "a whole number" : "a finite number"}${range === "" ? "" : `, ${range}`}`,
    received: String(value),
  });
}

/** Throws a ConfigError unless `value` is one of `choices`. */
export function checkChoice<T extends string>(who: string, argument: string, value: T, choices: readonly T[]): void {
  if (!choices.includes(value)) {
    throw new ConfigError({ who, argument, expected: `one of ${choices.join(", ")}`, received: String(value) });
  }
}
