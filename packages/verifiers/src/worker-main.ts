// Entry of a grading process. Started by the pool, from source or from the built package.
import { Grader } from "./grader.ts";
import { serveGrading } from "./serve-grading.ts";

serveGrading((options) => new Grader(options));
