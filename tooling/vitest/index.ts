// One test preset: workspace packages resolve to their source, so nothing needs building first.
import { defineConfig } from "vitest/config";

export const SOURCE_CONDITION = "longcot-source";

/** Vitest configuration shared by every package; `testTimeoutMs` for suites that train. */
export function packageTests(options: { testTimeoutMs?: number } = {}) {
  return defineConfig({
    resolve: { conditions: [SOURCE_CONDITION, "node", "import", "default"] },
    ssr: {
      resolve: {
        conditions: [SOURCE_CONDITION, "node", "import", "default"],
        externalConditions: [SOURCE_CONDITION, "node", "import", "default"],
      },
    },
    test: {
      include: ["src/**/*.test.ts"],
      pool: "forks",
      execArgv: [`--conditions=${SOURCE_CONDITION}`],
      testTimeout: options.testTimeoutMs ?? 30_000,
      hookTimeout: options.testTimeoutMs ?? 30_000,
    },
  });
}
