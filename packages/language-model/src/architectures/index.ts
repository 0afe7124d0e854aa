// The architectures by their `model_type`, one line each; a new one is its file and its line here.
import type { Architecture } from "./architecture.ts";
import { llama } from "./llama.ts";
import { mistral } from "./mistral.ts";
import { qwen2 } from "./qwen2.ts";
import { qwen3 } from "./qwen3.ts";

export const ARCHITECTURES = { llama, mistral, qwen2, qwen3 } as const satisfies Record<string, Architecture>;
