// Takes the C library and its headers out of a wheel, streaming: the library is larger than many machines' free memory.
import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { DataError } from "@longcot/errors";
import { type Entry, openPromise } from "yauzl";
import type { Narrator } from "./narrator.ts";
import { libraryNames } from "./release.ts";

/** Headers of the public C API and all they include: what tfjs-node's binding is compiled with. */
const HEADERS = [
  "tensorflow/include/tensorflow/c/",
  "tensorflow/include/tensorflow/core/platform/ctstring",
  "tensorflow/include/tsl/platform/ctstring",
  "tensorflow/include/xla/tsl/c/",
];
const NOTICES = "tensorflow/THIRD_PARTY_NOTICES.txt";
const WRITE_BYTES = 1 << 20;

/** Sizes in bytes of the unpacked libraries, by file name. */
export type LibrarySizes = Record<string, number>;

/**
 * Writes the kept files of `wheel` below `folder` under their names in the wheel, each flushed to disk.
 *
 * @throws DataError when the wheel lacks one of the two libraries.
 */
export async function unpackWheel(wheel: string, folder: string, narrator: Narrator, signal?: AbortSignal): Promise<LibrarySizes> {
  const names = libraryNames();
  const libraries = new Map([names.cc, names.framework].map((name) => [`tensorflow/${name}`, name]));
  const archive = await openPromise(wheel, { autoClose: false });
  try {
    const kept: Entry[] = [];
    for await (const entry of archive.eachEntry()) if (isKept(entry.fileName, libraries)) kept.push(entry);
    const total = kept.reduce((sum, entry) => sum + entry.uncompressedSize, 0);
    let done = 0;
    const sizes: LibrarySizes = {};
    for (const entry of kept) {
      const target = join(folder, entry.fileName);
      await mkdir(dirname(target), { recursive: true });
      const count = new Transform({
        highWaterMark: WRITE_BYTES,
        transform(chunk: Buffer, _encoding, next) {
          done += chunk.length;
          narrator.progress("unpack", done, total);
          next(null, chunk);
        },
      });
      const content = await archive.openReadStreamPromise(entry);
      await pipeline(content, count, createWriteStream(target, { flush: true, highWaterMark: WRITE_BYTES }), { ...(signal && { signal }) });
      const library = libraries.get(entry.fileName);
      if (library !== undefined) sizes[library] = entry.uncompressedSize;
    }
    const missing = [...libraries.values()].filter((name) => sizes[name] === undefined);
    if (missing.length > 0)
      throw new DataError({
        who: "libtensorflow",
        expected: `a wheel with ${missing.join(" and ")}`,
        received: `${kept.length} other files`,
      });
    return sizes;
  } finally {
    archive.close();
  }
}

function isKept(name: string, libraries: ReadonlyMap<string, string>): boolean {
  return libraries.has(name) || name === NOTICES || (name.endsWith(".h") && HEADERS.some((prefix) => name.startsWith(prefix)));
}
