import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { loadSftRecipe, resolveSftRecipe, writeSftRecipe, type SftFlags } from "./sft-recipe.ts";

const STUDENT = fileURLToPath(new URL("../../recipes/sft/arithmetic-student.yaml", import.meta.url));

test("the recipe that ships loads, and loads back from what it resolves to", () => {
  const recipe = loadSftRecipe({ recipe: STUDENT, data: ["rows.jsonl"] });
  expect(recipe).toMatchObject({ training: { tokens: 1_600_000, schedule: "cosine" }, data: { train: ["rows.jsonl"] } });
  expect(resolveSftRecipe({ text: writeSftRecipe(recipe), label: "again" })).toEqual(recipe);
});

test.each<[SftFlags, string]>([
  [{}, "options: expected --model DIR and --data FILE…, or --recipe FILE, got neither"],
  [{ model: "m" }, "got no --data"],
  [{ model: "m", data: ["x"], set: ["training.learning_rte=1"] }, "Did you mean training.learning_rate?"],
  [
    { model: "m", data: ["x"], set: ["training.steps=1", "training.tokens=1"] },
    "training.tokens must be absent beside training.steps, got 1",
  ],
  [{ model: "m", data: ["x"], set: ["tokenizer=t"] }, "tokenizer must be absent, since the model has its own, got t"],
  [{ recipe: STUDENT, set: ["tokenizer=null"] }, "tokenizer must be a model's folder, since a new model has none of its own, got nothing"],
  [
    { model: "m", data: ["x"], validation: ["v"], set: ["data.validation_fraction=0.1"] },
    "validation_fraction must be 0 beside data.validation",
  ],
  [
    { model: "m", data: ["x"], teacher: "t", set: ["teacher.divergence=kl"] },
    "teacher.divergence must be one of forward_kl, reverse_kl, jsd",
  ],
])("%j is refused", (flags, message) => expect(() => loadSftRecipe(flags)).toThrow(message));
