import { expect, test } from "vitest";
import { inheritRecipe } from "./inherit-recipe.ts";

const TEXTS: Record<string, string> = {
  base: "name: base\nloss: { name: ppo, clip_low: 0.1 }\nseed: 1",
  middle: "extends: base\nname: middle\nseed: 2",
  loop: "extends: other",
  other: "extends: loop",
};
const read = (source: string) => ({ text: TEXTS[source]!, label: `${source}.yaml` });
const inherit = (value: unknown) => inheritRecipe(value, { label: "mine.yaml", read });

test("own keys replace those of the recipe behind, each as a whole", () => {
  expect(inherit({ extends: "middle", loss: { name: "grpo" } })).toEqual({ name: "middle", seed: 2, loss: { name: "grpo" } });
  expect(inherit({ name: "alone" })).toEqual({ name: "alone" });
});

test("a name that leads back to itself, or is none, is refused", () => {
  expect(() => inherit({ extends: "loop" })).toThrow("extends must be a recipe that does not lead back to itself, got loop");
  expect(() => inherit({ extends: 3 })).toThrow("mine.yaml: extends must be the name or the path of a recipe, got 3");
});
