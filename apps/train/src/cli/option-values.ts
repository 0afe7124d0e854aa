// Values of options, checked where they are read; commander puts the message after the option's name.
import { existsSync, statSync } from "node:fs";
import { InvalidArgumentError } from "commander";

/** Reads a whole number from `least` on. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value) || value < least) throw new InvalidArgumentError(`Expected a whole number from ${least}.`);
    return value;
  };
}

/** Reads a number above 0, and at most `most` if given. */
export function positiveNumber(most = Infinity): (text: string) => number {
  return (text) => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (!Number.isFinite(value) || value <= 0 || value > most)
      throw new InvalidArgumentError(`Expected a number above 0${most === Infinity ? "" : ` and at most ${most}`}.`);
    return value;
  };
}

/** Reads a number from 0 on. */
export function numberFromZero(text: string): number {
  return text.trim() === "" || Number(text) !== 0 ? positiveNumber()(text) : 0;
}

/** The path of a file that exists. */
export function existingFile(path: string): string {
  if (!existsSync(path) || !statSync(path).isFile()) throw new InvalidArgumentError("Expected a file that exists.");
  return path;
}

/** The path of a folder that exists. */
export function existingFolder(path: string): string {
  if (!existsSync(path) || !statSync(path).isDirectory()) throw new InvalidArgumentError("Expected a folder that exists.");
  return path;
}
