// One build preset for every published package: ESM, type declarations, source maps, no bundled dependencies.
import { defineConfig, type Options } from "tsup";

/** Build configuration of a package whose entry points are `entry` (default `src/index.ts`). */
export function packageBuild(entry: string[] = ["src/index.ts"]): ReturnType<typeof defineConfig> {
  const options: Options = {
    entry,
    format: ["esm"],
    target: "es2024",
    platform: "node",
    dts: true,
    sourcemap: true,
    clean: true,
    splitting: true,
  };
  return defineConfig(options);
}
