import { expectClose } from "@longcot/vitest-config/close-to";
import { expect, test } from "vitest";
import { learningRateAt } from "./learning-rate.ts";

// python: get_cosine_schedule_with_warmup(SGD(lr=1), 2, 7) and its kin, transformers 4; steps 3 to 7, behind the warm-up.
const ofTransformers = {
  cosine: [1, 0.9045085, 0.6545085, 0.3454915, 0.0954915],
  linear: [1, 0.8, 0.6, 0.4, 0.2],
};

test.each(["cosine", "linear"] as const)("a %s behind the warm-up is transformers'", (schedule) => {
  const options = { peak: 1, schedule, warmupSteps: 2, steps: 7 };
  expectClose(
    [3, 4, 5, 6, 7].map((step) => learningRateAt(step, options)),
    ofTransformers[schedule],
    { atol: 1e-7 },
  );
});

test("the warm-up grows to the peak, a constant stays there, a least ratio is a floor", () => {
  const constant = { peak: 2, schedule: "constant", warmupSteps: 4, steps: 6 } as const;
  expect([1, 2, 3, 4, 5, 6].map((step) => learningRateAt(step, constant))).toEqual([0.5, 1, 1.5, 2, 2, 2]);
  const floored = { peak: 1, schedule: "linear", warmupSteps: 0, steps: 2, minRatio: 0.5 } as const;
  expect([1, 2].map((step) => learningRateAt(step, floored))).toEqual([1, 0.75]);
});
