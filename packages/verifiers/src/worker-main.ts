// Entry of a grading process. Started by the pool, from source or from the built package.
import { Grader } from "./grader.ts";
import { FunctionGrader } from "./reward-function/function-grader.ts";
import { serveGrading } from "./serve-grading.ts";

await serveGrading((options) => (options.rewardFunction === undefined ? new Grader(options) : FunctionGrader.open(options.rewardFunction)));
