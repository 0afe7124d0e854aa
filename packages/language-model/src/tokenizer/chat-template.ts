// Chat templates as transformers renders them: Jinja with trim_blocks and lstrip_blocks, raise_exception, strftime_now and tojson, all of
// which @huggingface/jinja brings. This file adds the variables that transformers passes and readable errors.
import { Template } from "@huggingface/jinja";
import { ConfigError, DataError } from "@longcot/errors";

/** One turn. Further fields (`tool_calls`, `reasoning_content`, …) reach the template unchanged. */
export interface ChatMessage {
  role: string;
  content: unknown;
  [field: string]: unknown;
}

/** Options of a rendering. Further fields are variables of the template (`enable_thinking`, `documents`, …). */
export interface RenderChatOptions {
  /** Whether to append what opens the assistant's turn. Default false. */
  addGenerationPrompt?: boolean;
  [variable: string]: unknown;
}

/** A compiled template: messages to text. @throws DataError where the template refuses the messages. */
export type ChatTemplate = (messages: readonly ChatMessage[], options?: RenderChatOptions) => string;

/** Names under which models and callers give an assistant's reasoning; transformers hands templates all of them. */
const REASONING_FIELDS = ["reasoning_content", "thinking", "reasoning"] as const;

/**
 * Compiles the Jinja text `source`.
 * @param specialTokens variables such as `bos_token` and `eos_token`; options of a rendering overrule them.
 * @param who the file it came from, for messages.
 * @throws ConfigError where it does not parse.
 * Source: transformers 5.23, `utils/chat_template_utils.py`, `render_jinja_template`.
 */
export function compileChatTemplate(source: string, specialTokens: Readonly<Record<string, unknown>>, who: string): ChatTemplate {
  let template: Template;
  try {
    // jinja2 reads every line ending as a line feed.
    template = new Template(source.replaceAll(/\r\n?/g, "\n"));
  } catch (cause) {
    throw new ConfigError({
      who,
      argument: "chat template",
      expected: "Jinja that parses",
      received: (cause as Error).message,
      cause,
    });
  }
  return (messages, options = {}) => {
    const { addGenerationPrompt = false, ...variables } = options;
    try {
      return template.render({
        tools: null,
        documents: null,
        ...specialTokens,
        ...variables,
        messages: messages.map(aliasReasoning),
        add_generation_prompt: addGenerationPrompt,
      });
    } catch (cause) {
      throw new DataError({
        who,
        expected: "messages that its chat template accepts",
        received: (cause as Error).message,
        cause,
      });
    }
  };
}

function aliasReasoning(message: ChatMessage): ChatMessage {
  const key = REASONING_FIELDS.find((name) => message[name] != null);
  return key === undefined ? message : { thinking: message[key], ...message, reasoning_content: message[key] };
}
