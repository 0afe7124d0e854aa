// tfjs-node's native binding, compiled against an installed library: what eager mode on TensorFlow needs.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, realpath, rename, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { ConfigError, LongcotError } from "@longcot/errors";
import { longcotCache } from "./cache-folder.ts";
import { cxxCompiler, type Environment, platformKey } from "./host.ts";
import { type LibtensorflowLocation, locateLibtensorflow } from "./locate.ts";
import { createNarrator, type Narrator } from "./narrator.ts";
import { findTfjsPackage, TFJS_PACKAGE } from "./tfjs-package.ts";

const run = promisify(execFile);

/** The binding uses nothing newer, and every Node since 12.22 has it: one build serves all of them. */
const NODE_API_VERSION = 8;

/** Folder of Node-API's headers: those of Node itself may not be on the machine, and node-gyp would download them. */
function nodeApiHeaders(): string {
  return (createRequire(import.meta.url)("node-api-headers") as { include_dir: string }).include_dir;
}

/** A compiled binding and the package it belongs to. */
export interface EagerBinding {
  /** Absolute path of `tfjs_binding.node`. */
  file: string;
  /** Folder of the tfjs-node package it was compiled from. */
  packageFolder: string;
}

/** Which binding is meant. */
export interface EagerBindingOptions {
  /** Default: the `@tensorflow/tfjs-node-gpu` installed beside this package. */
  packageFolder?: string;
  /** Default: what {@link locateLibtensorflow} finds. */
  library?: LibtensorflowLocation;
  environment?: Environment;
}

/**
 * The compiled binding of this package against this library, or undefined where it has not been built.
 *
 * @throws ConfigError when there is no tfjs-node package.
 */
export function locateEagerBinding(options: EagerBindingOptions = {}): EagerBinding | undefined {
  const library = options.library ?? locateLibtensorflow(options.environment);
  if (library === undefined) return undefined;
  const packageFolder = checkPackageFolder(options.packageFolder);
  const file = bindingFile(bindingFolder(packageFolder, library, options.environment));
  return existsSync(file) ? { file, packageFolder } : undefined;
}

/**
 * The compiled binding, built now where it was not: about 12 s on two cores. The result is cached per user, and `node_modules` is
 * only read.
 *
 * @throws ConfigError when the library, its headers, the package or a C++ compiler is missing; LongcotError with the compiler's
 *   first complaint when it does not compile.
 */
export async function buildEagerBinding(
  options: EagerBindingOptions & { narrator?: Narrator; signal?: AbortSignal } = {},
): Promise<EagerBinding> {
  const { environment = process.env, narrator = createNarrator(process.stdout), signal } = options;
  const built = locateEagerBinding(options);
  if (built !== undefined) return built;
  const packageFolder = checkPackageFolder(options.packageFolder);
  const library = options.library ?? locateLibtensorflow(environment);
  const headers = library === undefined ? undefined : join(library.folder, "include");
  if (library === undefined || headers === undefined || !existsSync(join(headers, "tensorflow", "c", "eager", "c_api.h"))) {
    throw new ConfigError({
      who: "buildEagerBinding",
      expected: "libtensorflow with its headers in include/",
      received: library === undefined ? "no library" : `none in ${library.folder}`,
      fix: "Run `longcot-libtensorflow install`",
    });
  }
  const compiler = cxxCompiler(environment);
  if (compiler === undefined) {
    throw new ConfigError({
      who: "buildEagerBinding",
      expected: "a C++ compiler ($CXX, c++, g++ or clang++)",
      received: "none on PATH",
      fix: "Install one, for instance g++",
    });
  }

  narrator.say(`compiling the binding of ${basename(packageFolder)} with ${compiler}`);
  const folder = bindingFolder(packageFolder, library, environment);
  await mkdir(dirname(folder), { recursive: true });
  const staging = await mkdtemp(`${folder}.partial-`);
  try {
    await compile({ compiler, headers, packageFolder, library, staging, environment, ...(signal && { signal }) });
    await publish(staging, folder);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return { file: bindingFile(folder), packageFolder };
}

interface Compilation {
  compiler: string;
  headers: string;
  packageFolder: string;
  library: LibtensorflowLocation;
  staging: string;
  environment: Environment;
  signal?: AbortSignal;
}

/** What binding.gyp would do, for Linux and macOS: two sources, then one shared object that finds the library in `deps/lib`. */
async function compile({ compiler, headers, packageFolder, library, staging, environment, signal }: Compilation): Promise<void> {
  const links = join(staging, "deps", "lib");
  await mkdir(links, { recursive: true });
  await mkdir(dirname(bindingFile(staging)), { recursive: true });
  const libraries = [library.ccLibrary, library.frameworkLibrary];
  for (const file of libraries) await symlink(await realpath(file), join(links, basename(file)));

  const settings = { env: { ...environment }, maxBuffer: 1 << 24, ...(signal && { signal }) };
  const compilerRuns = async (argumentList: string[]): Promise<void> => {
    try {
      await run(compiler, argumentList, settings);
    } catch (error) {
      signal?.throwIfAborted();
      const output = (error as { stderr?: string }).stderr ?? String(error);
      const complaint = output.split("\n").find((line) => /error/i.test(line)) ?? output;
      throw new LongcotError({
        who: "buildEagerBinding",
        expected: `${compiler} to compile tfjs-node's binding`,
        received: complaint.trim(),
        cause: error,
      });
    }
  };
  const objects = ["tfjs_backend", "tfjs_binding"].map((name) => ({
    source: join(packageFolder, "binding", `${name}.cc`),
    object: join(staging, `${name}.o`),
  }));
  await Promise.all(
    objects.map(({ source, object }) =>
      compilerRuns([
        "-c",
        "-O2",
        "-fPIC",
        "-std=c++17",
        `-DNAPI_VERSION=${NODE_API_VERSION}`,
        "-I",
        nodeApiHeaders(),
        "-I",
        headers,
        source,
        "-o",
        object,
      ]),
    ),
  );
  const isMac = process.platform === "darwin";
  await compilerRuns([
    ...(isMac ? ["-bundle", "-undefined", "dynamic_lookup"] : ["-shared"]),
    ...objects.map(({ object }) => object),
    ...libraries.map((file) => join(links, basename(file))),
    `-Wl,-rpath,${isMac ? "@loader_path" : "$ORIGIN"}/../../deps/lib`,
    "-o",
    bindingFile(staging),
  ]);
  for (const { object } of objects) await rm(object);
}

/** Another process may have finished the same build first: its result is as good. */
async function publish(staging: string, folder: string): Promise<void> {
  try {
    await rename(staging, folder);
  } catch (error) {
    if (!["ENOTEMPTY", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "") || !existsSync(bindingFile(folder))) throw error;
  }
}

function checkPackageFolder(given: string | undefined): string {
  const folder = given ?? findTfjsPackage();
  if (folder !== undefined && existsSync(join(folder, "binding", "tfjs_backend.cc"))) return folder;
  throw new ConfigError({
    who: "libtensorflow",
    argument: "packageFolder",
    expected: `an installed ${TFJS_PACKAGE} or tfjs-node`,
    received: folder ?? "no such package",
  });
}

/** Depends on all that goes into the build: tfjs's version, Node-API, and which library (its folder too: the binding links to it). */
function bindingFolder(packageFolder: string, library: LibtensorflowLocation, environment: Environment = process.env): string {
  const { name, version } = JSON.parse(readFileSync(join(packageFolder, "package.json"), "utf8")) as { name: string; version: string };
  const place = createHash("sha256").update(library.folder).digest("hex").slice(0, 8);
  const key = [basename(name), version, `napi${NODE_API_VERSION}`, library.version, library.variant, platformKey(), place].join("-");
  return join(longcotCache(environment), "eager-binding", key);
}

function bindingFile(folder: string): string {
  return join(folder, "lib", `napi-v${NODE_API_VERSION}`, "tfjs_binding.node");
}
