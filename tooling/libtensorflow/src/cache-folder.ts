// Where libraries live for one user, whichever checkout asks.
import { homedir } from "node:os";
import { join } from "node:path";
import { type Environment, platformKey } from "./host.ts";
import type { Variant } from "./release.ts";

/** The user's cache of longcot: `$XDG_CACHE_HOME/longcot`, else the platform's place for caches. */
export function longcotCache(environment: Environment = process.env): string {
  const configured = environment.XDG_CACHE_HOME;
  if (configured !== undefined && configured !== "") return join(configured, "longcot");
  const home = environment.HOME !== undefined && environment.HOME !== "" ? environment.HOME : homedir();
  if (process.platform === "darwin") return join(home, "Library", "Caches", "longcot");
  if (process.platform === "win32") return join(environment.LOCALAPPDATA ?? join(home, "AppData", "Local"), "longcot", "Cache");
  return join(home, ".cache", "longcot");
}

/** Folder of all installed libraries. */
export function libraryCache(environment: Environment = process.env): string {
  return join(longcotCache(environment), "libtensorflow");
}

/**
 * Name of one installed library, `<release>-<variant>-<platform>`. Inside it `tensorflow/` mirrors the wheel's folder, so that
 * a CUDA build's own search path (`$ORIGIN/../nvidia/…/lib`) keeps its meaning.
 */
export function cacheEntryName(release: string, variant: Variant): string {
  return `${release}-${variant}-${platformKey()}`;
}
