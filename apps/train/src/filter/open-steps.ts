// The steps of a filter recipe with what they need: tokenizers, benchmarks, graders, models, judges. What was opened is closed with them.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  checkAnswers,
  checkPrograms,
  checkSchema,
  checkStatements,
  dropAlike,
  dropContaminated,
  dropDuplicates,
  fingerprint,
  keepDifficulty,
  limitPrompts,
  loadPrompts,
  measureDifficulty,
  serverAnswerer,
  voteQuality,
  type FilterStep,
  type Message,
} from "@longcot/data-filter";
import { loadTokenizer } from "@longcot/language-model";
import { openEmbeddingServer, openModelServer, type ModelServer } from "@longcot/model-server";
import { createVerifierPool, type VerifierPool, type VerifierPoolOptions } from "@longcot/verifiers";
import { ConfigError } from "@longcot/errors";
import { encodePrompt } from "../models/prompt-tokens.ts";
import { resolveModel } from "../models/resolve-model.ts";
import { difficultyName, type FilterStepOptions, type ServerOptions } from "./filter-recipe.ts";
import { modelAnswerer } from "./model-answerer.ts";

type OptionsOf<Name extends FilterStepOptions["step"]> = Extract<FilterStepOptions, { step: Name }>;

/**
 * Steps of a recipe, ready to run; what was found out at a cost (answers, counts, votes, verdicts) is kept in `folder`, where a later run of
 * the recipe finds it, whatever place the step has by then.
 */
export async function openSteps(recipe: readonly FilterStepOptions[], folder: string): Promise<{ steps: FilterStep[] } & AsyncDisposable> {
  const stack = new AsyncDisposableStack();
  try {
    const steps: FilterStep[] = [];
    for (const options of recipe) steps.push(await openStep(options, folder, stack));
    return { steps, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function openStep(options: FilterStepOptions, folder: string, stack: AsyncDisposableStack): Promise<FilterStep> {
  switch (options.step) {
    case "schema":
      return checkSchema({ rollouts: options.rollouts });
    case "statements":
      return checkStatements();
    case "prompt-length":
      return limitPrompts({
        maxTokens: options.max,
        ...(options.tokenizer === undefined ? {} : { tokenizer: await promptTokenizer(options.tokenizer) }),
      });
    case "answers":
      return checkAnswers();
    case "code-tests": {
      const { without_solution: withoutSolution, candidates, jobs, cpu_time_s: cpuTimeS, wall_time_s: wallTimeS, isolation } = options;
      const code = { cpuTimeS, wallTimeS };
      const pool = lazyPool({ isolation, code, ...(jobs === undefined ? {} : { jobs }) }, stack);
      return checkPrograms({ pool, withoutSolution, candidates, store: join(folder, "programs.jsonl") });
    }
    case "duplicates":
      return dropDuplicates({ threshold: options.threshold });
    case "embedding-duplicates": {
      const store = join(folder, `${fileName(options.model)}.embeddings.jsonl`);
      const opened = openEmbeddingServer({ ...clientOptions(options), batchSize: options.batch_size, store });
      stack.defer(() => opened.close());
      return dropAlike({ server: opened, threshold: options.threshold });
    }
    case "contamination": {
      const benchmarks = await Promise.all(options.benchmarks.map(benchmarkOf));
      return dropContaminated(benchmarks, { coverage: options.coverage, ngram: options.ngram });
    }
    case "measure-difficulty":
      return difficultyStep(options, folder, stack);
    case "difficulty": {
      const { step: _, min, max, ...band } = options;
      return keepDifficulty({ ...band, ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) });
    }
    case "votes": {
      const { judges, votes, keep, temperature, max_tokens: maxTokens, prompt_file: promptFile } = options;
      return voteQuality({
        judges: judges.map((judge) => openServer(judge, folder, stack)),
        votes,
        keep,
        temperature,
        maxTokens,
        ...(promptFile === undefined ? {} : { prompt: readFileSync(promptFile, "utf8") }),
      });
    }
  }
}

function difficultyStep(options: OptionsOf<"measure-difficulty">, folder: string, stack: AsyncDisposableStack): FilterStep {
  const { rollouts, temperature, top_p: topP, max_tokens: maxTokens, seed, server } = options;
  const name = difficultyName(options);
  const pool = lazyPool({ math: { bareAnswer: "refuse" } }, stack);
  const store = join(folder, "failed-rollouts.jsonl");
  if (server === undefined) {
    const answerer = modelAnswerer({ model: options.model, name, rollouts, temperature, topP, maxTokens, seed });
    stack.defer(answerer.close);
    return measureDifficulty({ answerer, rollouts, pool, store });
  }
  const opened = openServer({ ...options, server }, folder, stack);
  const sampling = { temperature, topP, seed, ...(maxTokens === undefined ? {} : { maxTokens }) };
  const answerer = serverAnswerer(opened, sampling, { name, concurrency: options.concurrency, samples: rollouts });
  return measureDifficulty({ answerer, rollouts, pool, store });
}

/** Graders that start with the first thing to grade: a step that is done has none. */
function lazyPool(options: VerifierPoolOptions, stack: AsyncDisposableStack): Pick<VerifierPool, "grade"> {
  let pool: VerifierPool | undefined;
  return { grade: (requests, how) => (pool ??= stack.use(createVerifierPool(options))).grade(requests, how) };
}

/** A model behind a server, whose answers are kept in `folder`. */
function openServer(options: ServerOptions, folder: string, stack: AsyncDisposableStack): ModelServer {
  const opened = openModelServer({ ...clientOptions(options), store: join(folder, `${fileName(options.model)}.answers.jsonl`) });
  stack.defer(() => opened.close());
  return opened;
}

/** @throws ConfigError where the key's variable is not in the environment. */
function clientOptions({ server: url, model, concurrency, timeout_s: timeout, retries, api_key_env: keyName }: ServerOptions) {
  const apiKey = keyName === undefined ? undefined : process.env[keyName];
  if (keyName !== undefined && apiKey === undefined)
    throw new ConfigError({ who: "filter", argument: "api_key_env", expected: "a variable of the environment", received: keyName });
  return { url, model, concurrency, timeoutMs: timeout * 1000, retries, ...(apiKey === undefined ? {} : { apiKey }) };
}

const fileName = (model: string): string => model.replaceAll(/[^A-Za-z0-9._-]/g, "_");

/** Tokens of a prompt as the model would see it: by its chat template, with the generation prompt, where it has one. */
async function promptTokenizer(reference: string) {
  const tokenizer = await loadTokenizer(await resolveModel(reference));
  return {
    name: reference,
    count: (messages: readonly Message[]): number => encodePrompt(tokenizer, messages).length,
  };
}

async function benchmarkOf(path: string) {
  const rows = await loadPrompts(path);
  return { name: path, fingerprint: await fingerprint(path), statements: rows.map(({ messages }) => messages.at(-1)!.content) };
}
