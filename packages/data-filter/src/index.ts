// Prompts for reinforcement learning: reading, checking and writing data sets in verl's row schema.
export { loadConversations } from "./load-conversations.ts";
export type { ConversationColumns } from "./load-conversations.ts";
export { loadPrompts } from "./load-prompts.ts";
export type { OnInvalidRow, PromptColumns } from "./load-prompts.ts";
export type { Conversation, Message, PromptRow, RejectedRow } from "./prompt-row.ts";
export { writeConversations, writePrompts } from "./write-prompts.ts";
