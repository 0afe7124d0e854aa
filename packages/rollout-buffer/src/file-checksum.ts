// The checksum of a whole file, kept inside it: SHA-256 of all its bytes, taken while the digest's own 64 characters are
// zeros. It covers magic, schema, body and footer. Anyone can verify it: sha256(bytes.replace(digest, b"0" * 64)) == digest.
import { createHash } from "node:crypto";
import { DataError } from "@longcot/errors";

/** Begins the checksum's value in the metadata; what follows is the digest in 64 hexadecimal characters. */
export const CHECKSUM_PREFIX = "longcot-sha256:";
const ZEROS = "0".repeat(64);
/** Value that stands in the file while its checksum is taken. */
export const CHECKSUM_PLACEHOLDER = CHECKSUM_PREFIX + ZEROS;
/** Node hashes and reads at most 2^31 - 1 bytes a call. */
export const LARGEST_CALL_BYTES = 1 << 30;
const MAGIC = "ARROW1";
/** After the footer: its length as int32, then the magic. */
const TAIL_BYTES = 10;
/** Before the first message: the magic and two zeros. */
const HEAD_BYTES = 8;

/** `bytes` in pieces that Node takes in one call. */
export function* sliceForCalls(bytes: Uint8Array<ArrayBufferLike>): Generator<Uint8Array<ArrayBufferLike>> {
  for (let from = 0; from < bytes.byteLength; from += LARGEST_CALL_BYTES) yield bytes.subarray(from, from + LARGEST_CALL_BYTES);
}

/** Checksum value of a file made of `chunks`, which hold {@link CHECKSUM_PLACEHOLDER}. */
export function checksumOfChunks(chunks: Iterable<Uint8Array<ArrayBufferLike>>): string {
  const hash = createHash("sha256");
  for (const chunk of chunks) for (const piece of sliceForCalls(chunk)) hash.update(piece);
  return CHECKSUM_PREFIX + hash.digest("hex");
}

/**
 * Accepts a whole, unharmed rollout file; looks at raw bytes only, so that no parser meets a broken one.
 *
 * @throws DataError when the file is cut short, not an Arrow file, without our checksum, or changed since it was written.
 */
export function checkFileChecksum(who: string, path: string, bytes: Uint8Array<ArrayBufferLike>): void {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const refuse = (received: string): DataError =>
    new DataError({
      who,
      argument: path,
      expected: "a whole rollout file",
      received,
      fix: "Restore the file or generate the step again",
    });
  if (file.length < HEAD_BYTES + TAIL_BYTES || file.toString("latin1", 0, MAGIC.length) !== MAGIC)
    throw refuse(`${file.length} bytes that do not begin as an Arrow file`);
  if (file.toString("latin1", file.length - MAGIC.length) !== MAGIC) throw refuse("an Arrow file without its end: truncated");
  const footerBytes = file.readInt32LE(file.length - TAIL_BYTES);
  if (footerBytes <= 0 || footerBytes > file.length - HEAD_BYTES - TAIL_BYTES) throw refuse("an Arrow file whose footer length is damaged");
  const footer = file.toString("latin1", file.length - TAIL_BYTES - footerBytes, file.length - TAIL_BYTES);
  const digest = new RegExp(`${CHECKSUM_PREFIX}([0-9a-f]{64})`).exec(footer)?.[1];
  if (digest === undefined) throw refuse("an Arrow file without longcot.checksum: foreign or damaged");
  if (checksumOfChunks(replaceEach(file, digest, ZEROS)) !== CHECKSUM_PREFIX + digest)
    throw refuse("bytes that do not match the file's checksum: damaged");
}

/** `file` as pieces, every `from` given as `to`. */
function* replaceEach(file: Buffer, from: string, to: string): Generator<Uint8Array<ArrayBufferLike>> {
  let done = 0;
  for (let at = file.indexOf(from); at >= 0; at = file.indexOf(from, done)) {
    yield file.subarray(done, at);
    yield Buffer.from(to, "latin1");
    done = at + from.length;
  }
  yield file.subarray(done);
}
