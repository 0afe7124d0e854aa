import { packageBuild } from "@longcot/tsup-config";

export default packageBuild();
