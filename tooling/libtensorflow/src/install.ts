// The order of attempts: one already there, the wheel, tfjs-node's own installer, none (the wasm engine).
import { ConfigError, isLongcotError } from "@longcot/errors";
import { libraryCache } from "./cache-folder.ts";
import { type Environment, platformKey } from "./host.ts";
import { automaticVariant, isWanted } from "./wanted-variant.ts";
import { LIBRARY_VARIABLE, type LibtensorflowLocation, locateLibtensorflow } from "./locate.ts";
import { createNarrator, type Narrator } from "./narrator.ts";
import { installWithPackageScript } from "./package-installer.ts";
import { type Variant, wheelFor } from "./release.ts";
import { findTfjsPackage, TFJS_PACKAGE } from "./tfjs-package.ts";
import { installWheel } from "./wheel-install.ts";

/** How to install. */
export interface InstallOptions {
  /** Default: CUDA where a driver and a CUDA build for the platform exist, else CPU. */
  variant?: Variant;
  environment?: Environment;
  /** Default: writes to standard output. */
  narrator?: Narrator;
  /** Stops the installation and removes what is half-written; finished downloads stay for the next attempt. */
  signal?: AbortSignal;
}

/** What came of it. `location` is undefined where no library can be had; `reasons` then has one line per attempt. */
export interface InstallOutcome {
  location: LibtensorflowLocation | undefined;
  how: "found" | "wheel" | "package installer" | "none";
  reasons: string[];
}

/**
 * Makes libtensorflow available for the current user and says where it is.
 *
 * @throws ConfigError when `LONGCOT_LIBTENSORFLOW` names a folder without the libraries; the signal's reason when it aborts.
 */
export async function installLibtensorflow(options: InstallOptions = {}): Promise<InstallOutcome> {
  const { environment = process.env, narrator = createNarrator(process.stdout), signal } = options;
  const found = locateLibtensorflow(environment);
  const wanted = options.variant ?? automaticVariant(environment);
  if (found !== undefined && isWanted(found, wanted)) return { location: found, how: "found", reasons: [] };

  const root = libraryCache(environment);
  const shared = { root, environment, narrator, ...(signal && { signal }) };
  const reasons: string[] = [];
  const attempt = async (step: () => Promise<LibtensorflowLocation>): Promise<LibtensorflowLocation | undefined> => {
    try {
      return await step();
    } catch (error) {
      signal?.throwIfAborted();
      if (!isExpected(error)) throw error;
      reasons.push(error.message);
      return undefined;
    }
  };

  narrator.say(
    `no ${wanted === "cuda" ? "CUDA " : ""}library in ${LIBRARY_VARIABLE} or ${root}: installing TensorFlow's C library once for all checkouts`,
  );
  const fromWheel = await attempt(() => {
    const wheel = wheelFor(platformKey(), wanted);
    if (wheel === undefined) {
      throw new ConfigError({
        who: "the wheel",
        argument: "the platform",
        expected: "linux-x64, linux-arm64 or darwin-arm64",
        received: `${platformKey()} (${wanted})`,
      });
    }
    return installWheel({ wheel, ...shared });
  });
  if (fromWheel !== undefined) return { location: fromWheel, how: "wheel", reasons };
  narrator.say(`no wheel: ${reasons.at(-1)}`);
  if (found !== undefined) {
    narrator.say(`keeping the ${found.variant} library that is there`);
    return { location: found, how: "found", reasons };
  }

  const fromPackage = await attempt(() => {
    const packageFolder = findTfjsPackage();
    if (packageFolder === undefined)
      throw new ConfigError({ who: "tfjs-node's install script", expected: `${TFJS_PACKAGE} installed`, received: "no such package" });
    narrator.say(`trying the install script of ${TFJS_PACKAGE} (an older TensorFlow, without a checksum)`);
    return installWithPackageScript({ packageFolder, ...shared });
  });
  if (fromPackage !== undefined) return { location: fromPackage, how: "package installer", reasons };
  narrator.say(`no library from tfjs-node: ${reasons.at(-1)}`);
  return { location: undefined, how: "none", reasons };
}

/** What falling through mends: our own refusals and what the operating system refuses; anything else is a bug and is thrown. */
function isExpected(error: unknown): error is Error {
  return isLongcotError(error) || (error instanceof Error && typeof (error as NodeJS.ErrnoException).code === "string");
}
