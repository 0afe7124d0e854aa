// The architectures, one line each; a new one is its file, its line here, and its facts in ../files/model-config.ts.
import type { Architecture as Name } from "../files/model-config.ts";
import type { Architecture } from "./architecture.ts";
import { qwen2 } from "./qwen2.ts";

export const ARCHITECTURES: Readonly<Record<Name, Architecture>> = { qwen2 };
