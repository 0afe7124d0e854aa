// The functions of one variable that the numeric evaluator knows, on complex doubles.
import {
  add,
  argument,
  divide,
  exp,
  IMAGINARY_UNIT,
  log,
  magnitude,
  multiply,
  negate,
  ofReal,
  real,
  squareRoot,
  subtract,
  UNDEFINED,
} from "./complex.ts";
import type { Complex } from "./complex.ts";

const ONE = real(1, 0);
const TWO = real(2, 0);
const I = IMAGINARY_UNIT;
const invert = (z: Complex): Complex => divide(ONE, z);
const isReal = (z: Complex): boolean => Math.abs(z.im) <= z.err;

function sin(z: Complex): Complex {
  if (isReal(z)) return ofReal(z, Math.sin, 1);
  const t = multiply(I, z);
  return divide(subtract(exp(t), exp(negate(t))), multiply(TWO, I));
}

function cos(z: Complex): Complex {
  if (isReal(z)) return ofReal(z, Math.cos, 1);
  const t = multiply(I, z);
  return divide(add(exp(t), exp(negate(t))), TWO);
}

function sinh(z: Complex): Complex {
  return divide(subtract(exp(z), exp(negate(z))), TWO);
}

function cosh(z: Complex): Complex {
  return divide(add(exp(z), exp(negate(z))), TWO);
}

function arcsin(z: Complex): Complex {
  if (isReal(z) && Math.abs(z.re) < 1) return ofReal(z, Math.asin, 1 / Math.sqrt(1 - z.re * z.re));
  if (isReal(z) && Math.abs(z.re) === 1) return real((z.re * Math.PI) / 2, Math.sqrt(2 * z.err) + 1e-16);
  const root = squareRoot(subtract(ONE, multiply(z, z)));
  return multiply(negate(I), log(add(multiply(I, z), root)));
}

function arctan(z: Complex): Complex {
  if (isReal(z)) return ofReal(z, Math.atan, 1 / (1 + z.re * z.re));
  const iz = multiply(I, z);
  return multiply(divide(I, TWO), subtract(log(subtract(ONE, iz)), log(add(ONE, iz))));
}

const arccos = (z: Complex): Complex => subtract(real(Math.PI / 2), arcsin(z));
const arsinh = (z: Complex): Complex => log(add(z, squareRoot(add(multiply(z, z), ONE))));
const arcosh = (z: Complex): Complex => log(add(z, multiply(squareRoot(add(z, ONE)), squareRoot(subtract(z, ONE)))));
const artanh = (z: Complex): Complex => divide(subtract(log(add(ONE, z)), log(subtract(ONE, z))), TWO);

/** Steps by one: where rounding could decide, the nearest whole number is meant. */
function step(z: Complex, f: (x: number) => number): Complex {
  if (!isReal(z)) return UNDEFINED;
  const nearest = Math.round(z.re);
  return real(Math.abs(z.re - nearest) <= z.err * 4 ? nearest : f(z.re), 0);
}

const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
  -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** Γ(z), by Lanczos' approximation with g = 7, n = 9: relative error below 1e-13. */
export function gamma(z: Complex): Complex {
  if (isReal(z) && z.re <= 0 && Number.isInteger(z.re)) return UNDEFINED;
  if (z.re < 0.5) return divide(real(Math.PI), multiply(sin(multiply(real(Math.PI), z)), gamma(subtract(ONE, z))));
  const x = subtract(z, ONE);
  let series = real(LANCZOS[0]!);
  for (let k = 1; k < LANCZOS.length; k++) series = add(series, divide(real(LANCZOS[k]!), add(x, real(k, 0))));
  const t = add(x, real(7.5, 0));
  const value = multiply(multiply(real(Math.sqrt(2 * Math.PI)), exp(subtract(multiply(add(x, real(0.5, 0)), log(t)), t))), series);
  return { ...value, err: value.err + 1e-13 * magnitude(value) };
}

export function factorial(z: Complex): Complex {
  if (isReal(z) && Number.isInteger(z.re) && z.re >= 0 && z.re <= 20) {
    let product = 1;
    for (let k = 2; k <= z.re; k++) product *= k;
    return real(product);
  }
  return gamma(add(z, ONE));
}

const FUNCTIONS: Readonly<Record<string, (z: Complex) => Complex>> = {
  sin,
  cos,
  tan: (z) => divide(sin(z), cos(z)),
  cot: (z) => divide(cos(z), sin(z)),
  sec: (z) => invert(cos(z)),
  csc: (z) => invert(sin(z)),
  sinh,
  cosh,
  tanh: (z) => divide(sinh(z), cosh(z)),
  coth: (z) => divide(cosh(z), sinh(z)),
  sech: (z) => invert(cosh(z)),
  csch: (z) => invert(sinh(z)),
  arcsin,
  arccos,
  arctan,
  arccot: (z) => subtract(real(Math.PI / 2), arctan(z)),
  arcsec: (z) => arccos(invert(z)),
  arccsc: (z) => arcsin(invert(z)),
  arsinh,
  arcosh,
  artanh,
  exp,
  ln: log,
  abs: (z) => ({ re: magnitude(z), im: 0, err: z.err + 2e-16 * magnitude(z) }),
  arg: (z) => (magnitude(z) <= z.err ? UNDEFINED : real(argument(z), z.err / magnitude(z) + 4e-16)),
  sgn: (z) => (magnitude(z) <= z.err ? real(0, 0) : divide(z, real(magnitude(z)))),
  Re: (z) => ({ re: z.re, im: 0, err: z.err }),
  Im: (z) => ({ re: z.im, im: 0, err: z.err }),
  conjugate: (z) => ({ re: z.re, im: -z.im, err: z.err }),
  floor: (z) => step(z, Math.floor),
  ceil: (z) => step(z, Math.ceil),
  gamma,
  factorial,
};

/** The function of that name, or undefined if there is none. */
export function complexFunction(name: string): ((z: Complex) => Complex) | undefined {
  return Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
}
