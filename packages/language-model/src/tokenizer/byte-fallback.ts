// Decoding of tokens that stand for single bytes (`<0xE5>`), as the Rust tokenizers do it: a run of them that is not UTF-8 as a whole
// becomes one U+FFFD a byte. @huggingface/tokenizers keeps the valid parts of such a run, which differs on sampled text.
// Source: github.com/huggingface/tokenizers, `tokenizers/src/decoders/byte_fallback.rs`.

/** A decoder of the library: one step, or a sequence of them. Its own types cannot be imported (they lack file extensions). */
export interface LibraryDecoder {
  config: { type: string };
  decoders?: LibraryDecoder[];
  decode_chain(tokens: string[]): string[];
}

/** Replaces the byte fallback step of `decoder`, where it has one. */
export function correctByteFallback(decoder: LibraryDecoder | null): void {
  if (decoder?.config.type === "ByteFallback") decoder.decode_chain = joinByteTokens;
  for (const step of decoder?.decoders ?? []) correctByteFallback(step);
}

/** `tokens` with every run of byte tokens as the text that its bytes spell. */
export function joinByteTokens(tokens: readonly string[]): string[] {
  const out: string[] = [];
  let run: number[] = [];
  const endRun = (): void => {
    if (run.length > 0) out.push(spell(run));
    run = [];
  };
  for (const token of tokens) {
    const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(token);
    if (byte !== null) run.push(Number.parseInt(byte[1]!, 16));
    else {
      endRun();
      out.push(token);
    }
  }
  endRun();
  return out;
}

function spell(bytes: readonly number[]): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));
  } catch {
    // Not UTF-8: this is the answer, not a failure.
    return "\uFFFD".repeat(bytes.length);
  }
}
