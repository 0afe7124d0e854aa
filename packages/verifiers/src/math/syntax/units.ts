// Units of measurement: their spellings, dimension and size. Source of the factors: the SI brochure and the international yard and pound.
import type { Rational } from "../rational.ts";

export interface Unit {
  /** Units of one dimension convert into each other. */
  readonly dimension: string;
  /** How many base units of its dimension it is. */
  readonly factor: Rational;
}

const UNITS = new Map<string, Unit>();

function define(dimension: string, table: Readonly<Record<string, string>>): void {
  for (const [factor, names] of Object.entries(table)) {
    const [numerator, denominator = "1"] = factor.split("/");
    const unit = { dimension, factor: { numerator: BigInt(numerator!), denominator: BigInt(denominator) } };
    for (const name of names.split(" ")) UNITS.set(name, unit);
  }
}

define("length", {
  "1/1000000000": "nm nanometer nanometers nanometre nanometres",
  "1/1000000": "um micrometer micrometers micrometre micrometres micron microns",
  "1/1000": "mm millimeter millimeters millimetre millimetres",
  "1/100": "cm centimeter centimeters centimetre centimetres",
  "1/10": "dm decimeter decimeters decimetre decimetres",
  "1": "m meter meters metre metres",
  "1000": "km kilometer kilometers kilometre kilometres",
  "254/10000": "in inch inches",
  "3048/10000": "ft foot feet",
  "9144/10000": "yd yard yards",
  "1609344/1000": "mi mile miles",
});
define("mass", {
  "1/1000": "mg milligram milligrams",
  "1": "g gram grams gm",
  "1000": "kg kilogram kilograms kilo kilos",
  "1000000": "t tonne tonnes",
  "45359237/100000": "lb lbs pound pounds",
  "45359237/1600000": "oz ounce ounces",
});
define("time", {
  "1/1000": "ms millisecond milliseconds",
  "1": "s sec secs second seconds",
  "60": "min mins minute minutes",
  "3600": "h hr hrs hour hours",
  "86400": "day days",
  "604800": "week weeks",
});
define("month", { "1": "month months", "12": "yr yrs year years" });
define("length^3", {
  "1/1000000": "ml milliliter milliliters millilitre millilitres",
  "1/1000": "l liter liters litre litres",
});
define("money", { "1/100": "cent cents", "1": "dollar dollars usd" });
define("euro", { "1": "euro euros" });
define("rupee", { "1": "rupee rupees rs" });
define("yuan", { "1": "yuan" });
define("yen", { "1": "yen" });
define("angle", { "1": "degree degrees deg" });
define("radian", { "1": "rad rads radian radians" });
define("force", { "1": "n newton newtons", "1000": "kn" });
define("energy", { "1": "j joule joules", "1000": "kj kilojoule kilojoules" });
define("power", { "1": "w watt watts", "1000": "kw kilowatt kilowatts" });
define("voltage", { "1": "v volt volts" });
define("current", { "1": "a amp amps ampere amperes" });
define("resistance", { "1": "ohm ohms" });
define("frequency", { "1": "hz hertz", "1000": "khz", "1000000": "mhz" });
define("pressure", { "1": "pa pascal pascals", "1000": "kpa", "101325": "atm" });
define("temperature-k", { "1": "k kelvin kelvins" });
define("temperature-c", { "1": "celsius" });
define("temperature-f", { "1": "fahrenheit" });
define("amount", { "1": "mol mole moles" });
define("area", { "1": "acre acres" });
define("gallon", { "1": "gallon gallons gal" });

/** One-letter names count as units only where they are set upright after a number. */
export function isUnitName(name: string): boolean {
  return parseUnit(name) !== undefined;
}

/** Names of at least two letters that are units even in italics (`12 cm`), where they could be a product. */
export const ITALIC_UNITS: ReadonlySet<string> = new Set(
  "mm cm dm km mg kg lb lbs oz ft yd ml mph kmh kph hrs mins secs sec min cents dollars meters metres inches feet miles hours minutes seconds days weeks years units hz khz pts yds gal".split(
    " ",
  ),
);

/**
 * The unit that `text` names, with powers and one quotient: `cm^2`, `square feet`, `km/h`, `meters per second`.
 * Undefined for any other words.
 */
export function parseUnit(text: string): Unit | undefined {
  const words = text
    .toLowerCase()
    .replaceAll(/\bmph\b/g, "mi/h")
    .replaceAll(/\b(?:kmh|kph|kmph)\b/g, "km/h")
    .replaceAll(/\bper\b/g, "/")
    .replaceAll(/\bsquared\b/g, "^2")
    .replaceAll(/\bcubed\b/g, "^3")
    .replaceAll(/\b(?:square|sq\.?)\s+([a-z]+)/g, "$1^2")
    .replaceAll(/\b(?:cubic|cu\.?)\s+([a-z]+)/g, "$1^3")
    .replaceAll(/\s([a-z]+)\^\{?-([123])\}?/g, "/$1^$2")
    .replaceAll(/[{}.]/g, "")
    .split("/")
    .map((part) => part.trim());
  // N m is no nanometre.
  if (words.length > 2 || words.some((part) => /\s/.test(part))) return undefined;
  const [above, below] = words.map(unitPower);
  if (above === undefined || words.length === 1) return above;
  if (below === undefined) return undefined;
  return {
    dimension: `${above.dimension}/${below.dimension}`,
    factor: {
      numerator: above.factor.numerator * below.factor.denominator,
      denominator: above.factor.denominator * below.factor.numerator,
    },
  };
}

function unitPower(text: string): Unit | undefined {
  const [name, power = "1"] = text.split("^");
  const unit = UNITS.get(name!);
  if (unit === undefined || !["1", "2", "3"].includes(power)) return undefined;
  if (power === "1") return unit;
  const exponent = BigInt(power);
  return {
    dimension: `${unit.dimension}^${power}`,
    factor: { numerator: unit.factor.numerator ** exponent, denominator: unit.factor.denominator ** exponent },
  };
}
