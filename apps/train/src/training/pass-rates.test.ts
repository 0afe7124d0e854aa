import { expect, test } from "vitest";
import { onlineFilterSummary } from "./pass-rates.ts";

test("the summary has a line for every stage that was filtered", () => {
  const line = (stage: number, dropped?: number) => ({
    "training/stage": stage,
    ...(dropped === undefined ? {} : { "online_filter/prompts": 100 - dropped, "online_filter/dropped": dropped }),
  });
  expect(onlineFilterSummary([line(1, 0), line(2, 7), line(2, 7), line(3, 9)])).toEqual([
    { stage: 2, prompts: 93, dropped: 7 },
    { stage: 3, prompts: 91, dropped: 9 },
  ]);
  expect(onlineFilterSummary([line(1), line(2)])).toEqual([]);
});
