// The recipe's policy loss as the trainer takes it: which columns it needs, what it measures, and the loss itself.

import type { DistributionTerms, LossInputKind, TokenLoss } from "@longcot/language-model";
import { advantageEstimators, fullKl, policyLosses, policyMetricReductions, tokenEntropies } from "@longcot/ppo-loss";
import type { KlEstimator, PolicyLossSetting } from "@longcot/ppo-loss";
import * as tf from "@tensorflow/tfjs-core";
import type { Scalar, Tensor1D, Tensor2D } from "@tensorflow/tfjs-core";
import { lossKey } from "../recipe/loss-schema.ts";
import type { Recipe } from "../recipe/schema.ts";

/** Keys of a recipe that decide on the loss. */
export type LossKeys = Pick<Recipe, "loss" | "advantages" | "entropy" | "kl" | "rollout_correction" | "critic">;

/** Columns that only some recipes have. */
export interface LossColumns {
  /** One advantage per token; else one per response. */
  tokenAdvantages: boolean;
  /** Tokens that the loss acts on are chosen over the whole mini-batch. */
  selected: boolean;
  /** The entropy bonus acts on the tokens of highest entropy only. */
  bonusMask: boolean;
  /** Log-probabilities under the reference are part of the loss: an estimate of KL. */
  reference: boolean;
  /** Importance weights of the rollout correction. */
  rolloutWeights: boolean;
  /** Values and returns: the value loss of a shared backbone. */
  values: boolean;
}

/** Which columns the recipe's loss has. */
export function lossColumns({ loss, advantages, entropy, kl, rollout_correction: correction, critic }: LossKeys): LossColumns {
  return {
    tokenAdvantages: advantageEstimators[advantages.estimator].level === "token",
    selected: policyLosses[loss.name].selection !== undefined,
    bonusMask: "top_tokens" in entropy && entropy.top_tokens !== undefined,
    reference: kl?.in === "loss" && kl.estimator !== "full",
    rolloutWeights: correction?.importance_weights !== undefined,
    values: critic?.backbone === "shared",
  };
}

/** What the recipe's loss takes of the whole distribution at every token: nothing in most. */
export function distributionTermsOf({ entropy, kl }: Pick<Recipe, "entropy" | "kl">): DistributionTerms | undefined {
  const topK = "top_k" in entropy ? entropy.top_k : undefined;
  const terms: DistributionTerms = {
    ...(topK === undefined ? {} : { topEntropies: (logits) => tokenEntropies(logits, { topK }) }),
    ...(kl?.estimator === "full" ? { referenceKl: (logits, reference) => fullKl(logits, reference!) } : {}),
  };
  return Object.keys(terms).length === 0 ? undefined : terms;
}

/** The recipe's policy loss. Inputs as {@link lossColumns} says; metrics under verl's names without `actor/`. */
export function policyTokenLoss(recipe: LossKeys): TokenLoss<string, string> {
  const { loss, kl } = recipe;
  const entry = policyLosses[loss.name];
  const columns = lossColumns(recipe);
  const inputs: Record<string, LossInputKind> = {
    old_log_probs: "token",
    advantages: columns.tokenAdvantages ? "token" : "row",
    mask: "token",
    row_weights: "row",
    token_denominator: "scalar",
    entropy_coefficient: "scalar",
    ...(columns.selected ? { selected: "token" } : {}),
    ...(columns.bonusMask ? { bonus_mask: "token" } : {}),
    ...(columns.reference ? { ref_log_probs: "token" } : {}),
    ...(columns.rolloutWeights ? { rollout_weights: "token" } : {}),
  };
  const measured = [...entry.metrics, "entropy_loss", ...(kl?.in === "loss" ? ["kl_loss"] : [])] as (typeof entry.metrics)[number][];
  const settings = Object.fromEntries(Object.keys(entry.settings).map((name) => [name, loss[lossKey(name as PolicyLossSetting)]]));
  const distribution = distributionTermsOf(recipe);
  return {
    inputs,
    ...(distribution && { distribution }),
    metrics: Object.fromEntries(measured.map((name) => [name, policyMetricReductions[name]])),
    evaluate({ logProbs, entropies: all, distribution: terms, inputs: given }) {
      const entropies = terms?.["topEntropies"] ?? all;
      const referenceKl = terms?.["referenceKl"];
      const column = (name: string): Tensor2D => given[name] as Tensor2D;
      const result = entry.loss({
        ...settings,
        logProbs,
        oldLogProbs: column("old_log_probs"),
        advantages: given["advantages"] as Tensor1D | Tensor2D,
        mask: column("mask"),
        rowWeights: given["row_weights"] as Tensor1D,
        tokenDenominator: given["token_denominator"] as Scalar,
        entropies: columns.bonusMask ? tf.mul<Tensor2D>(entropies, column("bonus_mask")) : entropies,
        entropyCoefficient: given["entropy_coefficient"] as Scalar,
        ...(columns.selected ? { selected: column("selected") } : {}),
        ...(columns.rolloutWeights ? { rolloutWeights: column("rollout_weights") } : {}),
        ...(referenceKl && { referenceKl, klCoefficient: kl!.coefficient }),
        ...(columns.reference
          ? { referenceLogProbs: column("ref_log_probs"), klCoefficient: kl!.coefficient, klEstimator: kl!.estimator as KlEstimator }
          : {}),
      });
      return { loss: result.loss, metrics: Object.fromEntries(measured.map((name) => [name, result.metrics[name]!])) };
    },
  };
}
