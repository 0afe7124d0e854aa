// Which build an installation aims at, and whether the one that is there will do.
import { type Environment, nvidiaDriver, platformKey } from "./host.ts";
import type { LibtensorflowLocation } from "./locate.ts";
import { type Variant, wheelFor } from "./release.ts";

/** CUDA where a driver and a CUDA build for the platform exist, else CPU. */
export function automaticVariant(environment: Environment): Variant {
  return nvidiaDriver(environment) !== undefined && wheelFor(platformKey(), "cuda") !== undefined ? "cuda" : "cpu";
}

/** A folder that the user named is always what is wanted. */
export function isWanted(found: LibtensorflowLocation, wanted: Variant): boolean {
  return found.source === "environment" || found.variant === wanted;
}
