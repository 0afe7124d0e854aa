// The engine that a recipe asks for.

import { openEngine } from "@longcot/tensor-kernels";
import type { Engine } from "@longcot/tensor-kernels";
import type { Recipe } from "../recipe/schema.ts";

/** @throws ConfigError as {@link openEngine}. */
export async function openRecipeEngine({ kind, threads, precision, xla }: Recipe["engine"]): Promise<Engine> {
  return await openEngine({ engine: kind, threads, precision, xla });
}
