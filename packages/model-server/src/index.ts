// Questions to language models behind an OpenAI-compatible server: bounded, retried, kept on disk.
export { openModelServer } from "./model-server.ts";
export type { AskOptions, ModelServer, ModelServerOptions } from "./model-server.ts";
export type { Answer, ChatMessage, Question, Sampling } from "./question.ts";
