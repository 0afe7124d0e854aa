import { packageTests } from "@longcot/vitest-config";

// Compiling and training on several engines takes its time on a busy machine.
export default packageTests({ testTimeoutMs: 180_000 });
