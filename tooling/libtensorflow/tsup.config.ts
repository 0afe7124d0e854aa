import { packageBuild } from "@longcot/tsup-config";

export default packageBuild(["src/index.ts", "src/main.ts"]);
