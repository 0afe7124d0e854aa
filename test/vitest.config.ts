import { packageTests } from "@longcot/vitest-config";

const config = packageTests({ testTimeoutMs: 600_000 });

export default {
  ...config,
  test: {
    ...config.test,
    include: ["{integration,newcomer,golden,regression}/**/*.test.ts"],
    globalSetup: ["integration/reference-run.ts"],
  },
};
