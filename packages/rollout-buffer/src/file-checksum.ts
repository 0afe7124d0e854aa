// The checksum of a whole file, kept inside it: CRC-32 (as gzip's) of all its bytes, taken while the checksum's own digits are zeros. They
// stand twice, in the schema at the front and in the footer. Anyone can verify a file:
//   zlib.crc32(content.replace(b"longcot-crc32:" + digits, b"longcot-crc32:00000000")) == int(digits, 16)
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { DataError } from "@longcot/errors";

type Bytes = Uint8Array<ArrayBufferLike>;

interface Algorithm {
  /** Begins the checksum's value in the metadata; the digits follow. */
  readonly prefix: string;
  readonly digits: number;
  start(): { update(bytes: Bytes): void; digest(): string };
}

const CRC32: Algorithm = {
  prefix: "longcot-crc32:",
  digits: 8,
  start() {
    let crc = 0;
    return {
      update: (bytes) => {
        crc = crc32(bytes, crc);
      },
      digest: () => crc.toString(16).padStart(8, "0"),
    };
  },
};

/** Of schema version 1. */
const SHA256: Algorithm = {
  prefix: "longcot-sha256:",
  digits: 64,
  start() {
    const hash = createHash("sha256");
    return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest("hex") };
  },
};

const ALGORITHMS = [CRC32, SHA256];
/** No metadata of a caller may contain these. */
export const CHECKSUM_PREFIXES = ALGORITHMS.map(({ prefix }) => prefix);
/** Value that stands in the file while its checksum is taken. */
export const CHECKSUM_PLACEHOLDER = CRC32.prefix + "0".repeat(CRC32.digits);

/** Node reads and writes at most 2^31 - 1 bytes a call. */
const LARGEST_CALL_BYTES = 1 << 30;
const MAGIC = "ARROW1";
/** After the footer: its length as int32, then the magic. */
export const TAIL_BYTES = 10;
/** Before the schema: the magic, two zeros, the continuation mark, the length of the schema's message as int32. */
export const LEAD_BYTES = 16;

/** `bytes` in pieces that Node takes in one call. */
export function* sliceForCalls(bytes: Bytes, pieceBytes = LARGEST_CALL_BYTES): Generator<Bytes> {
  for (let from = 0; from < bytes.byteLength; from += pieceBytes) yield bytes.subarray(from, from + pieceBytes);
}

/** Checksum value of a file made of `chunks`, which hold {@link CHECKSUM_PLACEHOLDER}. */
export function checksumOfChunks(chunks: Iterable<Bytes>): string {
  const sum = CRC32.start();
  for (const chunk of chunks) for (const piece of sliceForCalls(chunk)) sum.update(piece);
  return CRC32.prefix + sum.digest();
}

/** Where a file's schema and footer lie. */
export interface FileFrame {
  /** The schema's message ends here. */
  readonly headBytes: number;
  readonly footerAt: number;
  readonly footerBytes: number;
}

function refusal(who: string, path: string, received: string): DataError {
  return new DataError({
    who,
    argument: path,
    expected: "a whole rollout file",
    received,
    fix: "Restore the file or generate the step again",
  });
}

/** @throws DataError when the first {@link LEAD_BYTES} and the last {@link TAIL_BYTES} bytes are not those of a whole Arrow file of `size` bytes. */
export function readFrame(who: string, path: string, size: number, lead: Bytes, tail: Bytes): FileFrame {
  const [front, back] = [lead, tail].map((bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)) as [Buffer, Buffer];
  if (size < LEAD_BYTES + TAIL_BYTES || front.toString("latin1", 0, MAGIC.length) !== MAGIC)
    throw refusal(who, path, `${size} bytes that do not begin as an Arrow file`);
  if (back.toString("latin1", TAIL_BYTES - MAGIC.length) !== MAGIC) throw refusal(who, path, "an Arrow file without its end: truncated");
  const footerBytes = back.readInt32LE(0);
  const headBytes = LEAD_BYTES + front.readInt32LE(12);
  const footerAt = size - TAIL_BYTES - footerBytes;
  if (footerBytes <= 0 || footerAt < LEAD_BYTES) throw refusal(who, path, "an Arrow file whose footer length is damaged");
  return { headBytes: Math.min(Math.max(headBytes, LEAD_BYTES), footerAt), footerAt, footerBytes };
}

/** Takes a file's bytes in order and says whether they are those that were written. */
export class ChecksumCheck {
  readonly #who: string;
  readonly #path: string;
  readonly #digits: string;
  readonly #sum: ReturnType<Algorithm["start"]>;
  /** Where the digits stand. */
  readonly #holes: readonly number[];
  #at = 0;

  /** `head` and `footer` are the parts that `frame` names. @throws DataError when they hold no checksum of ours. */
  constructor(who: string, path: string, frame: FileFrame, head: Bytes, footer: Bytes) {
    this.#who = who;
    this.#path = path;
    for (const algorithm of ALGORITHMS) {
      const { prefix, digits } = algorithm;
      const [inHead, inFooter] = [findDigits(head, prefix, digits), findDigits(footer, prefix, digits)];
      if (inFooter === undefined) continue;
      if (inHead === undefined || inHead.digits !== inFooter.digits) throw this.#damaged();
      this.#digits = inFooter.digits;
      this.#holes = [inHead.at, frame.footerAt + inFooter.at];
      this.#sum = algorithm.start();
      return;
    }
    throw refusal(who, path, "an Arrow file without longcot.checksum: foreign or damaged");
  }

  /** The next bytes of the file. */
  update(piece: Bytes): void {
    const { length } = this.#digits;
    let done = 0;
    for (const hole of this.#holes) {
      const [from, to] = [hole - this.#at, hole - this.#at + length].map((at) => Math.min(Math.max(at, done), piece.byteLength)) as [
        number,
        number,
      ];
      if (to === from) continue;
      this.#sum.update(piece.subarray(done, from));
      this.#sum.update(Buffer.alloc(to - from, "0"));
      done = to;
    }
    this.#sum.update(piece.subarray(done));
    this.#at += piece.byteLength;
  }

  /** @throws DataError when the bytes changed since they were written. */
  finish(): void {
    if (this.#sum.digest() !== this.#digits) throw this.#damaged();
  }

  #damaged(): DataError {
    return refusal(this.#who, this.#path, "bytes that do not match the file's checksum: damaged");
  }
}

function findDigits(bytes: Bytes, prefix: string, length: number): { at: number; digits: string } | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = text.indexOf(prefix, 0, "latin1") + prefix.length;
  const digits = text.toString("latin1", at, at + length);
  return at >= prefix.length && new RegExp(`^[0-9a-f]{${length}}$`).test(digits) ? { at, digits } : undefined;
}

/**
 * Accepts a whole, unharmed rollout file; looks at raw bytes only, so that no parser meets a broken one.
 *
 * @throws DataError when the file is cut short, not an Arrow file, without our checksum, or changed since it was written.
 */
export function checkFileBytes(who: string, path: string, bytes: Bytes): void {
  const frame = readFrame(who, path, bytes.byteLength, bytes.subarray(0, LEAD_BYTES), bytes.subarray(-TAIL_BYTES));
  const { headBytes, footerAt, footerBytes } = frame;
  const check = new ChecksumCheck(who, path, frame, bytes.subarray(0, headBytes), bytes.subarray(footerAt, footerAt + footerBytes));
  for (const piece of sliceForCalls(bytes)) check.update(piece);
  check.finish();
}
