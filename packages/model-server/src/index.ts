// Questions to language models behind an OpenAI-compatible server: bounded, retried, kept on disk.
export { openEmbeddingServer } from "./embedding-server.ts";
export type { EmbeddingServer, EmbeddingServerOptions } from "./embedding-server.ts";
export { openModelServer } from "./model-server.ts";
export type { AskOptions, ModelServer, ModelServerOptions } from "./model-server.ts";
export type { Answer, ChatMessage, Question, Sampling } from "./question.ts";
