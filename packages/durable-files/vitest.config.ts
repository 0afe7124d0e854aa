import { packageTests } from "@longcot/vitest-config";

export default packageTests();
