// What this machine is, as far as the choice of a library depends on it. Reads files and PATH, starts no process.
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Environment variables; tests pass their own. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** `linux-x64`, `linux-arm64`, `darwin-arm64`, …: the key of caches and wheels. */
export function platformKey(): string {
  return `${process.platform}-${process.arch}`;
}

/** Absolute path of an executable on PATH, or undefined. */
export function findExecutable(name: string, environment: Environment = process.env): string | undefined {
  for (const folder of (environment.PATH ?? "").split(delimiter)) {
    if (folder === "") continue;
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile()) return file;
    } catch {
      continue;
    }
  }
  return undefined;
}

/** What shows that an NVIDIA driver is present (a path), or undefined. */
export function nvidiaDriver(environment: Environment = process.env): string | undefined {
  for (const file of ["/proc/driver/nvidia/version", "/usr/lib/wsl/lib/libcuda.so.1"]) if (existsSync(file)) return file;
  return findExecutable("nvidia-smi", environment);
}

/** The C++ compiler: `$CXX`, else c++, g++ or clang++ on PATH. */
export function cxxCompiler(environment: Environment = process.env): string | undefined {
  const named = environment.CXX;
  if (named !== undefined && named !== "")
    return named.includes("/") ? (existsSync(named) ? named : undefined) : findExecutable(named, environment);
  for (const name of ["c++", "g++", "clang++"]) {
    const found = findExecutable(name, environment);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The C library of a Linux system: a glibc version, `musl`, or undefined on other systems. */
export function systemLibc(): string | undefined {
  if (process.platform !== "linux" || process.report === undefined) return undefined;
  // Without this a report looks up the names of all network addresses. Node 22.18 has it, its type does not.
  Object.assign(process.report, { excludeNetwork: true });
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return report.header?.glibcVersionRuntime ?? "musl";
}
