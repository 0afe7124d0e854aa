// Grades by a user's function, in the grading process that the pool started for it.
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { DataError } from "@longcot/errors";
import type { VerifyRequest, VerifyResult } from "../verify-request.ts";
import { openPythonFunction } from "./python-function.ts";
import { callArguments, DEFAULT_NAMES, readAnswer, type RewardFunctionOptions } from "./reward-function.ts";

/** Calls the function with these arguments. */
export type RemoteFunction = (args: unknown[]) => Promise<unknown>;

export class FunctionGrader {
  readonly #call: RemoteFunction;
  readonly #options: RewardFunctionOptions;

  private constructor(call: RemoteFunction, options: RewardFunctionOptions) {
    this.#call = call;
    this.#options = options;
  }

  /** Loads the module. @throws DataError where it does not load or has no such function. */
  static async open(options: RewardFunctionOptions): Promise<FunctionGrader> {
    const call = options.path.endsWith(".py") ? await openPythonFunction(options) : await openModuleFunction(options);
    return new FunctionGrader(call, options);
  }

  /** The function's verdict; `crash` with its message where it throws or answers with something that is no reward. */
  async grade(request: VerifyRequest): Promise<VerifyResult> {
    const { id, truncated } = request;
    const { signature = "verl" } = this.#options;
    if (truncated === true) return { id, score: 0, outcome: "no_answer", rule: "truncated" };
    try {
      return { id, ...readAnswer(await this.#call(callArguments(request, signature)), signature) };
    } catch (error) {
      return { id, score: 0, outcome: "crash", rule: "reward-function", detail: `${this.#options.path}: ${(error as Error).message}` };
    }
  }
}

async function openModuleFunction({ path, name, signature = "verl" }: RewardFunctionOptions): Promise<RemoteFunction> {
  let module: Record<string, unknown>;
  try {
    module = (await import(pathToFileURL(resolve(path)).href)) as Record<string, unknown>;
  } catch (error) {
    throw new DataError({ who: path, expected: "a module that loads", received: (error as Error).message, cause: error });
  }
  const names = name === undefined ? DEFAULT_NAMES[signature] : [name];
  const found = names.map((candidate) => module[candidate]).find((value) => typeof value === "function");
  if (found === undefined)
    throw new DataError({
      who: path,
      expected: `a function exported as ${names.join(" or ")}`,
      received: Object.keys(module).join(", ") || "no export",
    });
  return async (args) => (await (found as (...args: unknown[]) => unknown)(...args)) as unknown;
}
