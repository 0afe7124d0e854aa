// Facts about the machine for `longcot doctor`: what is there, what is missing, and what mends it.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { availableParallelism, cpus, freemem, totalmem } from "node:os";
import { delimiter, join } from "node:path";
import { isLongcotError } from "@longcot/errors";
import { locateEagerBinding } from "./eager-binding.ts";
import { cxxCompiler, type Environment, findExecutable, nvidiaDriver, platformKey, systemLibc } from "./host.ts";
import { type LibtensorflowLocation, LIBRARY_VARIABLE, locateLibtensorflow } from "./locate.ts";
import { TENSORFLOW_VERSION } from "./release.ts";
import { findTfjsPackage } from "./tfjs-package.ts";

/** Something that is not there, and what to do about it. */
export interface Missing {
  missing: string;
  fix: string;
}

/** What {@link diagnose} found. */
export interface Diagnosis {
  /** `24.21.0`. */
  node: string;
  /** `linux-x64`. */
  platform: string;
  /** A glibc version or `musl`; undefined off Linux. */
  libc: string | undefined;
  cpu: { model: string; threads: number };
  memory: { totalBytes: number; freeBytes: number };
  libtensorflow: LibtensorflowLocation | Missing;
  /** Path of the compiled binding for eager mode. */
  eagerBinding: string | Missing;
  /** Path of the C++ compiler. */
  compiler: string | Missing;
  /** What shows an NVIDIA driver; undefined without one. */
  nvidiaDriver: string | undefined;
  /** Present with a driver and a CUDA library: whether the CUDA libraries it loads by itself can be found. */
  cudaLibraries?: "found" | Missing;
}

/** The CUDA libraries TensorFlow opens by name, each with its folder in NVIDIA's Python packages. */
const CUDA_LIBRARIES = [
  ["libcudart.so.12", "cuda_runtime"],
  ["libcublas.so.12", "cublas"],
  ["libcudnn.so.9", "cudnn"],
  ["libcufft.so.11", "cufft"],
  ["libcusparse.so.12", "cusparse"],
  ["libcusolver.so.11", "cusolver"],
] as const;

/** Facts about this machine; nothing is loaded or installed. */
export function diagnose(environment: Environment = process.env): Diagnosis {
  const libtensorflow = libraryOrReason(environment);
  const driver = nvidiaDriver(environment);
  return {
    node: process.versions.node,
    platform: platformKey(),
    libc: systemLibc(),
    cpu: { model: cpus()[0]?.model.trim() ?? "unknown", threads: availableParallelism() },
    memory: { totalBytes: totalmem(), freeBytes: freemem() },
    libtensorflow,
    eagerBinding: bindingOrReason(libtensorflow, environment),
    compiler: cxxCompiler(environment) ?? {
      missing: "no C++ compiler ($CXX, c++, g++, clang++)",
      fix: "Install g++ or clang; only eager mode on TensorFlow needs it",
    },
    nvidiaDriver: driver,
    ...(driver !== undefined &&
      "folder" in libtensorflow &&
      libtensorflow.variant === "cuda" && { cudaLibraries: cudaLibrariesOrReason(libtensorflow.folder, environment) }),
  };
}

function libraryOrReason(environment: Environment): LibtensorflowLocation | Missing {
  try {
    return (
      locateLibtensorflow(environment) ?? {
        missing: `no library in ${LIBRARY_VARIABLE} or the cache: the wasm engine is used`,
        fix: "Run `longcot-libtensorflow install` and read what it says",
      }
    );
  } catch (error) {
    if (!isLongcotError(error)) throw error;
    return { missing: error.message, fix: error.fix ?? "" };
  }
}

function bindingOrReason(library: LibtensorflowLocation | Missing, environment: Environment): string | Missing {
  if ("missing" in library) return { missing: "no library to compile it for", fix: library.fix };
  const packageFolder = findTfjsPackage();
  if (packageFolder === undefined) return { missing: "@tensorflow/tfjs-node-gpu is not installed", fix: "Install it beside this package" };
  return (
    locateEagerBinding({ packageFolder, library, environment })?.file ?? {
      missing: "not compiled: eager mode runs on wasm",
      fix: "Run `longcot-libtensorflow build-eager-binding`",
    }
  );
}

/** Looks where the loader and TensorFlow's own search path look: LD_LIBRARY_PATH, `../nvidia` beside the library, the system's cache. */
function cudaLibrariesOrReason(folder: string, environment: Environment): "found" | Missing {
  const searched = (environment.LD_LIBRARY_PATH ?? "").split(delimiter).filter((path) => path !== "");
  const ldconfig = findExecutable("ldconfig", environment) ?? "/sbin/ldconfig";
  const system = existsSync(ldconfig) ? execFileSync(ldconfig, ["-p"], { encoding: "utf8" }) : "";
  const missing = CUDA_LIBRARIES.filter(
    ([name, part]) =>
      ![...searched, join(folder, "..", "nvidia", part, "lib")].some((path) => existsSync(join(path, name))) && !system.includes(name),
  ).map(([name]) => name);
  if (missing.length === 0) return "found";
  return {
    missing: `${missing.join(", ")}: TensorFlow will not see the GPU`,
    fix: `Install CUDA 12 and cuDNN 9, or \`pip install 'tensorflow[and-cuda]==${TENSORFLOW_VERSION}'\` into a Python environment and set ${LIBRARY_VARIABLE} to its site-packages/tensorflow`,
  };
}
