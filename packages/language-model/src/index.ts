// Language models from Hugging Face directories: files, tokenizer, chat template.

// Files of a model directory
export { openCheckpoint } from "./files/checkpoint.ts";
export { findSnapshot, hubHome, hubModelFolder, parseHubReference } from "./files/hub-cache.ts";
export type { HubModel } from "./files/hub-cache.ts";
export { ADAPTER_CONFIG_FILE, ADAPTER_WEIGHTS_FILE, readAdapterConfig } from "./files/adapter-config.ts";
export type { WeightDtype } from "./files/half-precision.ts";
export { parseModelConfig, serializeModelConfig } from "./files/model-config.ts";
export type { Architecture, ModelConfig } from "./files/model-config.ts";
export type { ModelHead } from "./architectures/architecture.ts";
export { COMPANION_FILES, readCompanionFiles, readModelConfig, readModelDirectory, writeModelDirectory } from "./files/model-directory.ts";
export type { CompanionFiles, ModelDirectory, ModelDirectoryContent } from "./files/model-directory.ts";
export type { SafetensorsDtype, TensorEntry } from "./files/safetensors-header.ts";
export { openSafetensors } from "./files/safetensors.ts";
export type { TensorData, TensorFile } from "./files/safetensors.ts";
export { writeSafetensors } from "./files/write-safetensors.ts";
export type { TensorSource, WriteSafetensorsOptions } from "./files/write-safetensors.ts";

// Tokenizer and chat template
export { characterTokenizerFiles, THINK_CHAT_TEMPLATE } from "./tokenizer/character-tokenizer.ts";
export type { CharacterTokenizerFiles, CharacterTokenizerOptions } from "./tokenizer/character-tokenizer.ts";
export { compileChatTemplate } from "./tokenizer/chat-template.ts";
export type { ChatMessage, ChatTemplate, RenderChatOptions } from "./tokenizer/chat-template.ts";
export { checkTokenizerFits } from "./tokenizer/check-tokenizer-fits.ts";
export { loadTokenizer } from "./tokenizer/tokenizer.ts";
export type { Tokenizer } from "./tokenizer/tokenizer.ts";

// Models on an engine
export { ARCHITECTURES } from "./architectures/index.ts";
export { countParameters, createLanguageModel, loadLanguageModel, restoreWeights } from "./model/language-model.ts";
export type { LanguageModel, ModelOptions } from "./model/language-model.ts";
export type { ActorCritic, ScalarHead, ScalarModel } from "./model/model.ts";
export { attachValueHead, createScalarModel, loadScalarModel, restoreValueHead, valueHeadTensors } from "./model/scalar-model.ts";
export type { HeadStart } from "./model/scalar-model.ts";
export { newModelTensors, saveAdapter, saveLanguageModel, saveScalarModel } from "./model/save-model.ts";
export type { SaveOptions } from "./model/save-model.ts";
export { attachLora } from "./lora/attach-lora.ts";
export { LORA_TARGETS } from "./lora/lora-parameters.ts";
export type { LoraAdapter, LoraOptions, LoraTarget } from "./lora/lora-parameters.ts";
export { generate } from "./generate/generate.ts";
export type { GeneratedResponse, GenerationOptions, GenerationRequest } from "./generate/generate.ts";
export type { Decoding } from "./generate/generate-programs.ts";
export { batchTime, planBatches, planGroupedBatches } from "./score/batches.ts";
export type { Batch, BatchOptions } from "./score/batches.ts";
export type { Packing } from "./score/packing.ts";
export { score } from "./score/score.ts";
export type { ScoreOptions, SequenceScore } from "./score/score.ts";
export type { DistributionTerm, DistributionTerms } from "./score/distribution-terms.ts";
export { lastScoredToken, sequenceScores, tokenScalars } from "./score/scalars.ts";
export { lastTokenScores, valuesBeforeTokens } from "./score/sequence-scalars.ts";
export type { TokenValuesOptions } from "./score/token-values.ts";
export { topLogProbs } from "./score/top-log-probs.ts";
export type { TopLogProbs, TopLogProbsOptions } from "./score/top-log-probs.ts";
export { generateBytes, optimizerBytes, scoreBytes, trainBytes, updateBytes, weightBytes } from "./memory/pass-memory.ts";
export type { GeneratePass, PassShape, TrainPass } from "./memory/pass-memory.ts";
export { crossEntropyLoss } from "./train/token-loss.ts";
export type { BatchLoss, LossInputKind, TokenLoss } from "./train/token-loss.ts";
export { createActorCriticTrainer, createScalarTrainer } from "./train/scalar-trainer.ts";
export type { ActorCriticLoss, ScalarLoss } from "./train/scalar-trainer.ts";
export { createTrainer } from "./train/trainer.ts";
export type { MicroBatch, OptimizerOptions, ReferenceOption, Trainer, TrainerOptions, UpdateOptions } from "./train/trainer.ts";
