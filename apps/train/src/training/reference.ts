// The reference policy that KL is measured against, and the coefficient of that KL.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { loadLanguageModel, saveLanguageModel, score } from "@longcot/language-model";
import type { LanguageModel } from "@longcot/language-model";
import { adaptiveKlController, fixedKlController } from "@longcot/ppo-loss";
import type { KlController } from "@longcot/ppo-loss";
import { ConfigError } from "@longcot/errors";
import type { Engine } from "@longcot/tensor-kernels";
import { resolveModel } from "../models/resolve-model.ts";
import type { KlSettings } from "../recipe/loss-schema.ts";
import type { Recipe } from "../recipe/schema.ts";
import type { PreparedModel } from "./prepare-model.ts";

export interface Reference {
  /** Log-probability of every token, nats, as {@link score} gives it. */
  logProbsOf(sequences: readonly Int32Array[]): Promise<Float32Array[]>;
}

/**
 * Opens the reference of a recipe with KL; undefined without. A policy that no folder holds is kept in the run's folder reference/, written
 * by the process that begins the run (`isNew`), once, before the first step.
 * @throws ConfigError where the reference has other tokens than the policy.
 */
export async function openReference(
  engine: Engine,
  recipe: Recipe,
  { model }: PreparedModel,
  { run, isNew }: { run: string; isNew: boolean },
): Promise<Reference | undefined> {
  const { kl } = recipe;
  if (kl === undefined) return undefined;
  const named = kl.reference ?? (typeof recipe.model === "string" && recipe.cold_start === undefined ? recipe.model : undefined);
  const own = join(run, "reference");
  if (named === undefined && isNew && !existsSync(own)) await saveLanguageModel(model, own, { dtype: "float32" });
  const reference = await loadLanguageModel(engine, named === undefined ? own : await resolveModel(named), { name: "reference" });
  checkSameTokens(reference, model, named ?? own);
  return {
    async logProbsOf(sequences) {
      const scores = await score(reference, sequences, {
        temperature: recipe.rollout.temperature,
        batchTokens: recipe.loss.micro_batch_tokens,
      });
      return scores.map(({ logProbs }) => logProbs);
    },
  };
}

function checkSameTokens(reference: LanguageModel, model: LanguageModel, who: string): void {
  if (reference.config.vocabSize !== model.config.vocabSize)
    throw new ConfigError({
      who,
      argument: "kl.reference",
      expected: `a model of ${model.config.vocabSize} tokens, as the policy`,
      received: `one of ${reference.config.vocabSize}`,
    });
}

/** The coefficient of the recipe's KL; `saved` is what a checkpoint holds of it. */
export function klControllerOf({ coefficient, adaptive }: KlSettings, saved: number = coefficient): KlController {
  return adaptive === undefined ? fixedKlController({ coefficient }) : adaptiveKlController({ ...adaptive, coefficient: saved });
}
