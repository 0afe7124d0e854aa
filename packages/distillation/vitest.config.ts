import { packageTests } from "@longcot/vitest-config";

export default packageTests({ testTimeoutMs: 300_000 });
