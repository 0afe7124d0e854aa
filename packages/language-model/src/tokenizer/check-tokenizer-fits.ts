// Whether a tokenizer and a model belong together.
import { ConfigError } from "@longcot/errors";
import type { ModelConfig } from "../files/model-config.ts";
import type { Tokenizer } from "./tokenizer.ts";

/**
 * Checks that every token has a row in the model's embedding and that the end of a response is known.
 * @throws ConfigError, one line, where it does not fit.
 */
export function checkTokenizerFits(
  config: Pick<ModelConfig, "vocabSize">,
  tokenizer: Pick<Tokenizer, "largestTokenId" | "eosTokenIds">,
): void {
  const who = "tokenizer";
  const fix = "Tokenizer and weights must come from the same model";
  if (tokenizer.largestTokenId >= config.vocabSize) {
    throw new ConfigError({
      who,
      argument: "largest token id",
      expected: `below the model's vocab_size of ${config.vocabSize}`,
      received: String(tokenizer.largestTokenId),
      fix,
    });
  }
  if (tokenizer.eosTokenIds.length === 0) {
    throw new ConfigError({
      who,
      argument: "eos_token",
      expected: "named in tokenizer_config.json or generation_config.json",
      received: "none",
    });
  }
  for (const id of tokenizer.eosTokenIds) {
    if (id >= config.vocabSize)
      throw new ConfigError({
        who,
        argument: "eos_token_id",
        expected: `below the model's vocab_size of ${config.vocabSize}`,
        received: String(id),
        fix,
      });
  }
}
