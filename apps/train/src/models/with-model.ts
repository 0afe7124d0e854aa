// A model on an engine for the length of one command.
import { loadLanguageModel } from "@longcot/language-model";
import type { LanguageModel } from "@longcot/language-model";
import { openEngine } from "@longcot/tensor-kernels";
import type { EngineFlags } from "../cli/engine-options.ts";

/** Opens the engine, loads the model of `directory`, runs `work` and closes both; also says what engine it was. */
export async function withModel<T>(
  { directory, engine, threads }: { directory: string } & EngineFlags,
  work: (model: LanguageModel) => Promise<T>,
): Promise<{ result: T; engine: string }> {
  const opened = await openEngine({ engine, threads });
  try {
    const model = await loadLanguageModel(opened, directory);
    return { result: await work(model), engine: opened.description };
  } finally {
    await opened.close();
  }
}
