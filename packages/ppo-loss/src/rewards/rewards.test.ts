import { expectClose } from "@longcot/vitest-config/close-to";
import { expect, test } from "vitest";

import { fixedKlController, adaptiveKlController } from "./kl-controller.ts";
import { klInReward } from "./kl-in-reward.ts";
import { overlongPenalty } from "./overlong-penalty.ts";

test("KL in the reward by hand, and what the controller observes: the mean over responses of their means", () => {
  const { tokenRewards, kl } = klInReward({
    tokenRewards: [0, 1, 7, 0.5],
    oldLogProbs: [-1, -2, Number.NaN, -1],
    referenceLogProbs: [-1.5, -2.5, 0, -3],
    coefficient: 0.1,
    offsets: [0, 3, 4],
    mask: [1, 1, 0, 1],
  });
  expectClose(tokenRewards, [-0.05, 0.95, 7, 0.3], { atol: 1e-12 });
  expectClose([kl], [(0.5 + 2) / 2], { atol: 1e-12 });
});

test("controllers: fixed stays, adaptive follows the error by at most 20 %", () => {
  const fixed = fixedKlController({ coefficient: 0.1 });
  expect(fixed.observe(100, 10)).toBe(0.1);
  const adaptive = adaptiveKlController({ coefficient: 0.1, target: 1, horizon: 100 });
  expectClose([adaptive.observe(5, 10), adaptive.observe(0, 10)], [0.102, 0.102 * 0.98], { rtol: 1e-12 });
  expectClose([adaptiveKlController({ ...adaptive.state(), target: 1, horizon: 100 }).coefficient], [0.102 * 0.98], { rtol: 1e-12 });
  expect(() => adaptive.observe(Number.NaN, 1)).toThrow("adaptiveKlController.observe: kl must be a finite number, got NaN");
  expect(() => adaptiveKlController({ coefficient: 0.1, target: 0, horizon: 1 })).toThrow("target must be a finite number, above 0, got 0");
});

test("the overlong penalty grows over the buffer and refuses one longer than the cap", () => {
  expect([...overlongPenalty({ lengths: [5, 7, 9], maxLength: 9, bufferLength: 4, factor: 0.5 })]).toEqual([0, -0.25, -0.5]);
  expect(() => overlongPenalty({ lengths: [1], maxLength: 4, bufferLength: 5 })).toThrow(
    "bufferLength must be above 0 and at most maxLength (4), got 5",
  );
});
