import { packageBuild } from "@longcot/tsup-config";

// Two entries: the library, and the program that its grading processes run.
export default packageBuild(["src/index.ts", "src/worker-main.ts"]);
