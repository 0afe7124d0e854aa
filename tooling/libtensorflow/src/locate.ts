// Finds an installed libtensorflow. Synchronous and cheap: a few stat calls, no process, no loading.
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { ConfigError } from "@longcot/errors";
import { cacheEntryName, libraryCache } from "./cache-folder.ts";
import { type Environment, nvidiaDriver } from "./host.ts";
import { readCompleteManifest } from "./manifest.ts";
import { libraryNames, PACKAGE_INSTALLER_ENTRY, TENSORFLOW_VERSION, type Variant } from "./release.ts";

/** The variable that names a folder holding the two libraries, for instance `site-packages/tensorflow` of a Python environment. */
export const LIBRARY_VARIABLE = "LONGCOT_LIBTENSORFLOW";

/** An installed library. All paths are absolute. */
export interface LibtensorflowLocation {
  /** Holds both libraries and `include/`. */
  folder: string;
  /** The library with the C API (`TF_*`, `TFE_*`): the one to load. */
  ccLibrary: string;
  /** What `ccLibrary` depends on; found beside it by itself. */
  frameworkLibrary: string;
  /** `2.21.0`; `unknown` for a folder named by the environment that says it nowhere. */
  version: string;
  /** How the library was built. Whether a GPU is usable only the running engine can say. */
  variant: Variant;
  source: "environment" | "cache";
}

/**
 * The library to load: the folder that `LONGCOT_LIBTENSORFLOW` names, else the best of the per-user cache (CUDA first where an
 * NVIDIA driver is present, CPU first elsewhere), else undefined.
 *
 * @throws ConfigError when the variable is set and its folder lacks one of the libraries.
 */
export function locateLibtensorflow(environment: Environment = process.env): LibtensorflowLocation | undefined {
  const named = environment[LIBRARY_VARIABLE];
  if (named !== undefined && named !== "") return locateInFolder(resolve(named));
  const root = libraryCache(environment);
  const variants: Variant[] = nvidiaDriver(environment) === undefined ? ["cpu", "cuda"] : ["cuda", "cpu"];
  for (const release of [TENSORFLOW_VERSION, PACKAGE_INSTALLER_ENTRY]) {
    for (const variant of variants) {
      const location = locateInEntry(join(root, cacheEntryName(release, variant)));
      if (location !== undefined) return location;
    }
  }
  return undefined;
}

/** The library of one cache entry, or undefined where it is not complete. */
export function locateInEntry(entry: string): LibtensorflowLocation | undefined {
  const manifest = readCompleteManifest(entry);
  if (manifest === undefined) return undefined;
  return { ...libraryPaths(join(entry, "tensorflow")), version: manifest.version, variant: manifest.variant, source: "cache" };
}

function locateInFolder(folder: string): LibtensorflowLocation {
  const paths = libraryPaths(folder);
  for (const file of [paths.ccLibrary, paths.frameworkLibrary]) {
    if (existsSync(file)) continue;
    const names = libraryNames();
    throw new ConfigError({
      who: "libtensorflow",
      argument: LIBRARY_VARIABLE,
      expected: `a folder that holds ${names.cc} and ${names.framework}`,
      received: `${folder}, where ${file.slice(folder.length + 1)} is missing`,
      fix: `Name the folder of the libraries, or unset ${LIBRARY_VARIABLE} to use the one that longcot installs`,
    });
  }
  const manifest = readCompleteManifest(dirname(folder));
  return {
    ...paths,
    version: manifest?.version ?? statedVersion(paths.ccLibrary),
    variant: manifest?.variant ?? statedVariant(folder),
    source: "environment",
  };
}

function libraryPaths(folder: string): Pick<LibtensorflowLocation, "folder" | "ccLibrary" | "frameworkLibrary"> {
  const names = libraryNames();
  return { folder, ccLibrary: join(folder, names.cc), frameworkLibrary: join(folder, names.framework) };
}

/** From the library's real file name (`….so.2.21.0`) or the Python package's metadata beside the folder. */
function statedVersion(ccLibrary: string): string {
  const inName = /(\d+\.\d+\.\d+)(?:\.dylib)?$/.exec(realpathSync(ccLibrary))?.[1];
  if (inName !== undefined) return inName;
  for (const name of readdirSync(join(dirname(ccLibrary), ".."))) {
    const inMetadata = /^tensorflow(?:_\w+)?-(\d+\.\d+\.\d+)\S*\.dist-info$/.exec(name)?.[1];
    if (inMetadata !== undefined) return inMetadata;
  }
  return "unknown";
}

/** From the header in which TensorFlow notes the CUDA it was built with. */
function statedVariant(folder: string): Variant {
  const header = join(folder, "include", "third_party", "gpus", "cuda", "cuda_config.h");
  return existsSync(header) && /#define TF_CUDNN_VERSION "\d/.test(readFileSync(header, "utf8")) ? "cuda" : "cpu";
}
