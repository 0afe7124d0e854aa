// The teachers of a recipe: models on this machine's engine, and models behind servers.
import { serverTeacher } from "@longcot/distillation";
import type { Teacher } from "@longcot/distillation";
import { checkTokenizerFits, generate, loadLanguageModel, loadTokenizer, readModelConfig } from "@longcot/language-model";
import { openModelServer } from "@longcot/model-server";
import { openEngine } from "@longcot/tensor-kernels";
import type { Engine } from "@longcot/tensor-kernels";
import { encodePrompt, thinkingOf } from "../models/prompt-tokens.ts";
import { resolveModel } from "../models/resolve-model.ts";
import type { DistillRecipe, TeacherSettings } from "./distill-recipe.ts";

export interface OpenTeacher {
  teacher: Teacher;
  settings: TeacherSettings;
}

/** Cap on an answer where the recipe has none and the model allows it. Source: arXiv 2505.22312 §8.1. */
const PAPER_CAP = 32_768;
/** Questions of a model together: what an interruption can lose, and enough to keep its slots full. */
const QUESTIONS_A_CALL = 512;

/** The step of sampling keys: one that no training step and no evaluation reaches. */
const DISTILL_STEP = 2 ** 31 + 1;

/** Opens every teacher of `recipe`; `close` frees them. @throws ConfigError, DataError for a model that does not load. */
export async function openTeachers(recipe: DistillRecipe): Promise<{ teachers: OpenTeacher[]; close: () => Promise<void> }> {
  const { kind, threads } = recipe.engine;
  const stack = new AsyncDisposableStack();
  let engine: Engine | undefined;
  try {
    const teachers: OpenTeacher[] = [];
    for (const [i, settings] of recipe.teachers.entries()) {
      if ("server" in settings) teachers.push({ settings, teacher: onServer(settings, recipe, stack) });
      else {
        if (engine === undefined) {
          const opened = await openEngine({ engine: kind, threads });
          stack.defer(() => opened.close());
          engine = opened;
        }
        teachers.push({ settings, teacher: await onEngine(engine, settings.model, `teacher-${i}`, recipe) });
      }
    }
    const close = stack.move();
    return { teachers, close: () => close.disposeAsync() };
  } finally {
    await stack.disposeAsync();
  }
}

function onServer(
  { server: url, name, concurrency, timeout_s: timeout, retries }: Extract<TeacherSettings, { server: string }>,
  { sampling, seed }: DistillRecipe,
  stack: AsyncDisposableStack,
): Teacher {
  const server = openModelServer({ url, model: name, concurrency, timeoutMs: Math.ceil(timeout * 1000), retries });
  stack.defer(() => server.close());
  const { temperature, top_p: topP, max_new_tokens: maxTokens } = sampling;
  return serverTeacher(server, { concurrency, seed, sampling: { temperature, topP, ...(maxTokens === undefined ? {} : { maxTokens }) } });
}

async function onEngine(engine: Engine, reference: string, variables: string, { sampling, seed }: DistillRecipe): Promise<Teacher> {
  const directory = await resolveModel(reference);
  const config = await readModelConfig(directory);
  const tokenizer = await loadTokenizer(directory);
  checkTokenizerFits(config, tokenizer);
  const model = await loadLanguageModel(engine, directory, { name: variables });
  const opening = thinkingOf(tokenizer) === "required" ? "<think>" : "";
  return {
    name: reference,
    slots: 1,
    questionsPerCall: QUESTIONS_A_CALL,
    graceMs: 0,
    async ask(questions, signal) {
      const prompts = questions.map(({ messages }) => encodePrompt(tokenizer, messages));
      const room = prompts.map(({ length }) => config.maxPositionEmbeddings - length);
      const most = sampling.max_new_tokens ?? PAPER_CAP;
      // A problem that leaves no room for the cap is answered as far as the positions go, unless nothing is left at all.
      const fitting = questions.flatMap((question, i) => (room[i]! >= 1 ? [{ question, i }] : []));
      const responses =
        fitting.length === 0
          ? []
          : await generate(
              model,
              fitting.map(({ question: { problem: prompt, sample }, i }) => ({ promptTokens: prompts[i]!, prompt, sample })),
              {
                decoding: { kind: "sample", temperature: sampling.temperature, topP: sampling.top_p, topK: 0 },
                maxNewTokens: Math.min(most, ...fitting.map(({ i }) => room[i]!)),
                seed,
                step: DISTILL_STEP,
                eosTokenIds: tokenizer.eosTokenIds,
                signal,
              },
            );
      const answered = new Map(fitting.map(({ i }, place) => [i, responses[place]!]));
      return questions.map((_, i) => {
        const response = answered.get(i);
        const promptTokens = prompts[i]!.length;
        if (response === undefined)
          return {
            text: "",
            truncated: false,
            teacher: reference,
            promptTokens,
            completionTokens: 0,
            refused: `the problem has ${promptTokens} tokens`,
          };
        return {
          text: opening + tokenizer.decode(response.tokens, { skipSpecialTokens: true }),
          truncated: response.finishReason === "length",
          teacher: reference,
          promptTokens,
          completionTokens: response.tokens.length,
        };
      });
    },
  };
}
