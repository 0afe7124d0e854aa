// Entry of a grading process. Started by the pool, from source or from the built package.
import { serveGrading } from "./serve-grading.ts";
import { gradeRequest } from "./verify-request.ts";

serveGrading(gradeRequest);
