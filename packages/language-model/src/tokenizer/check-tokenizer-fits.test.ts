// The boundary: the largest id may be vocab_size - 1, not vocab_size.
import { ConfigError } from "@longcot/errors";
import { expect, test } from "vitest";
import { checkTokenizerFits } from "./check-tokenizer-fits.ts";

test("accepts a vocabulary that just fits and an embedding with rows to spare", () => {
  const check = (vocabSize: number, eosTokenIds: number[]) => () => checkTokenizerFits({ vocabSize }, { largestTokenId: 644, eosTokenIds });
  expect(check(645, [642, 640])).not.toThrow();
  expect(check(672, [642, 670])).not.toThrow();
});

test("refuses ids without a row and a tokenizer without an end", () => {
  const check = (largestTokenId: number, eosTokenIds: number[]) => () =>
    checkTokenizerFits({ vocabSize: 644 }, { largestTokenId, eosTokenIds });
  expect(check(644, [642])).toThrow(ConfigError);
  expect(check(644, [642])).toThrow(
    "tokenizer: largest token id must be below the model's vocab_size of 644, got 644. Tokenizer and weights must come from the same model",
  );
  expect(check(643, [])).toThrow("tokenizer: eos_token must be named in tokenizer_config.json or generation_config.json, got none");
  expect(check(643, [1, 644])).toThrow("tokenizer: eos_token_id must be below the model's vocab_size of 644, got 644");
});
