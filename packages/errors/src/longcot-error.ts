// Typed errors that say who, what was expected, what came, and the fix.

const MARKER = Symbol.for("longcot.error");

/** What an error knows beside its message. */
export interface LongcotErrorFields {
  /** Function, command or file that refuses, as a user would name it. */
  who: string;
  /** The argument, key, column or path at fault. */
  argument?: string;
  /** What would have been accepted, in words. */
  expected: string;
  /** What came instead, in words. */
  received: string;
  /** One hint that mends it. */
  fix?: string;
  cause?: unknown;
}

/**
 * Base of all errors meant for users: `who: argument must be expected, got received. fix`.
 * One line, whatever the fields hold. Recognise it with {@link isLongcotError}, which also works
 * across two installed copies of this package.
 */
export class LongcotError extends Error {
  readonly code: string = "LONGCOT";
  readonly who: string;
  readonly argument: string | undefined;
  readonly expected: string;
  readonly received: string;
  readonly fix: string | undefined;

  constructor(fields: LongcotErrorFields) {
    const subject = fields.argument === undefined ? "expected " : `${fields.argument} must be `;
    const message = `${fields.who}: ${subject}${fields.expected}, got ${fields.received}${fields.fix === undefined ? "" : `. ${fields.fix}`}`;
    super(message.replaceAll(/\s*\n\s*/g, " "), fields.cause === undefined ? undefined : { cause: fields.cause });
    this.name = new.target.name;
    this.who = fields.who;
    this.argument = fields.argument;
    this.expected = fields.expected;
    this.received = fields.received;
    this.fix = fields.fix;
    Object.defineProperty(this, MARKER, { value: true });
  }
}

/** A tensor or array of the wrong rank, size or element type. */
export class ShapeError extends LongcotError {
  override readonly code = "SHAPE";
}

/** A recipe, option or model configuration that cannot work. */
export class ConfigError extends LongcotError {
  override readonly code = "CONFIG";
}

/** A file or data set that does not hold what it should. */
export class DataError extends LongcotError {
  override readonly code = "DATA";
}

/** A value that is not finite, or an average over nothing. */
export class NumericError extends LongcotError {
  override readonly code = "NUMERIC";
}

/** Whether `error` is a {@link LongcotError}, of this or another copy of the package. */
export function isLongcotError(error: unknown): error is LongcotError {
  return typeof error === "object" && error !== null && MARKER in error;
}
