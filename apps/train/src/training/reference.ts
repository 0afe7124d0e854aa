// The reference policy that KL is measured against, and the coefficient of that KL.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { checkSameTokenizer } from "@longcot/distillation";
import { loadLanguageModel, loadTokenizer, saveLanguageModel, score } from "@longcot/language-model";
import { adaptiveKlController, fixedKlController } from "@longcot/ppo-loss";
import type { LanguageModel } from "@longcot/language-model";
import type { KlController } from "@longcot/ppo-loss";
import type { Engine } from "@longcot/tensor-kernels";
import { resolveModel } from "../models/resolve-model.ts";
import type { KlSettings } from "../recipe/loss-schema.ts";
import type { Recipe } from "../recipe/schema.ts";
import type { PreparedModel } from "./prepare-model.ts";

export interface Reference {
  readonly model: LanguageModel;
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
  { model, tokenizer }: PreparedModel,
  { run, isNew }: { run: string; isNew: boolean },
): Promise<Reference | undefined> {
  const { kl } = recipe;
  if (kl === undefined) return undefined;
  const named = kl.reference ?? (typeof recipe.model === "string" && recipe.cold_start === undefined ? recipe.model : undefined);
  const own = join(run, "reference");
  if (named === undefined && isNew && !existsSync(own)) await saveLanguageModel(model, own, { dtype: "float32" });
  const directory = named === undefined ? own : await resolveModel(named);
  const policy = typeof recipe.model === "string" ? recipe.model : recipe.name;
  checkSameTokenizer({ name: directory, tokenizer: await loadTokenizer(directory) }, { name: policy, tokenizer });
  const reference = await loadLanguageModel(engine, directory, { name: "reference" });
  return {
    model: reference,
    async logProbsOf(sequences) {
      const scores = await score(reference, sequences, {
        temperature: recipe.rollout.temperature,
        batchTokens: recipe.loss.micro_batch_tokens,
      });
      return scores.map(({ logProbs }) => logProbs);
    },
  };
}

/** The coefficient of the recipe's KL; `saved` is what a checkpoint holds of it. */
export function klControllerOf({ coefficient, adaptive }: KlSettings, saved: number = coefficient): KlController {
  return adaptive === undefined ? fixedKlController({ coefficient }) : adaptiveKlController({ ...adaptive, coefficient: saved });
}
