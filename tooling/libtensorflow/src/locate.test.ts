import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { cacheEntryName, libraryCache } from "./cache-folder.ts";
import { locateLibtensorflow } from "./locate.ts";
import { libraryNames, TENSORFLOW_VERSION, type Variant } from "./release.ts";

const names = libraryNames();
let home: string;
beforeEach(() => void (home = mkdtempSync(join(tmpdir(), "libtensorflow-test-"))));
afterEach(() => rmSync(home, { recursive: true, force: true }));

function writeLibraries(folder: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, names.cc), "12345");
  writeFileSync(join(folder, names.framework), "123");
}

function writeEntry(variant: Variant): string {
  const entry = join(libraryCache({ XDG_CACHE_HOME: home }), cacheEntryName(TENSORFLOW_VERSION, variant));
  writeLibraries(join(entry, "tensorflow"));
  writeFileSync(
    join(entry, "manifest.json"),
    JSON.stringify({ version: TENSORFLOW_VERSION, variant, origin: { name: "test" }, libraries: { [names.cc]: 5, [names.framework]: 3 } }),
  );
  return entry;
}

test("nothing installed is undefined, not an error", () => {
  expect(locateLibtensorflow({ XDG_CACHE_HOME: home })).toBeUndefined();
});

test("the cache is found through XDG_CACHE_HOME", () => {
  const entry = writeEntry("cpu");
  expect(locateLibtensorflow({ XDG_CACHE_HOME: home, PATH: "" })).toMatchObject({
    folder: join(entry, "tensorflow"),
    version: TENSORFLOW_VERSION,
    variant: "cpu",
    source: "cache",
  });
});

test("an entry without its manifest, or with a library of another size, is not there", () => {
  const entry = writeEntry("cpu");
  writeFileSync(join(entry, "tensorflow", names.framework), "12");
  expect(locateLibtensorflow({ XDG_CACHE_HOME: home })).toBeUndefined();
  writeFileSync(join(entry, "tensorflow", names.framework), "123");
  rmSync(join(entry, "manifest.json"));
  expect(locateLibtensorflow({ XDG_CACHE_HOME: home })).toBeUndefined();
});

test("with a driver on PATH the CUDA build comes first", () => {
  writeEntry("cpu");
  writeEntry("cuda");
  const bin = join(home, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "nvidia-smi"), "", { mode: 0o755 });
  expect(locateLibtensorflow({ XDG_CACHE_HOME: home, PATH: bin })?.variant).toBe("cuda");
});

test("a folder of a Python environment comes before the cache and states version and variant", () => {
  writeEntry("cpu");
  const folder = join(home, "site-packages", "tensorflow");
  writeLibraries(folder);
  mkdirSync(join(home, "site-packages", "tensorflow-2.20.0.dist-info"));
  mkdirSync(join(folder, "include", "third_party", "gpus", "cuda"), { recursive: true });
  const header = join(folder, "include", "third_party", "gpus", "cuda", "cuda_config.h");
  writeFileSync(header, '#define TF_CUDNN_VERSION "9"\n');
  const environment = { XDG_CACHE_HOME: home, LONGCOT_LIBTENSORFLOW: folder };
  expect(locateLibtensorflow(environment)).toEqual({
    folder,
    ccLibrary: join(folder, names.cc),
    frameworkLibrary: join(folder, names.framework),
    version: "2.20.0",
    variant: "cuda",
    source: "environment",
  });
  writeFileSync(header, '#define TF_CUDNN_VERSION ""\n');
  expect(locateLibtensorflow(environment)?.variant).toBe("cpu");
});

test("a folder without one of the libraries is an error naming it, even when the cache has them", () => {
  writeEntry("cpu");
  const folder = join(home, "half");
  writeLibraries(folder);
  rmSync(join(folder, names.framework));
  expect(() => locateLibtensorflow({ XDG_CACHE_HOME: home, LONGCOT_LIBTENSORFLOW: folder })).toThrow(
    expect.objectContaining({
      code: "CONFIG",
      argument: "LONGCOT_LIBTENSORFLOW",
      received: `${folder}, where ${names.framework} is missing`,
    }),
  );
});
