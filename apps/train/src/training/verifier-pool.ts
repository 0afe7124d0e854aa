// The verifiers of a run, as its recipe wants them.
import { createVerifierPool } from "@longcot/verifiers";
import type { RewardFunctionOptions, VerifierPool, VerifierPoolOptions } from "@longcot/verifiers";
import type { EmitEvent } from "../events.ts";
import type { RewardFunctionSettings } from "../recipe/reward-schema.ts";
import type { VerifierSettings } from "../recipe/schema.ts";
import type { TrainingPrompt } from "./prompts.ts";

/**
 * A pool that is known to work for `prompts`: a reward function has loaded, and programs are confined as the recipe asks; how, is told.
 * @throws ConfigError where programs cannot be confined so, LongcotError where the reward function does not load.
 */
export async function openVerifierPool(
  settings: VerifierSettings,
  {
    thinking,
    prompts,
    emit,
  }: { thinking: "required" | "closed-if-opened"; prompts: readonly Pick<TrainingPrompt, "row">[]; emit: EmitEvent },
): Promise<VerifierPool> {
  const pool = createVerifierPool(poolOptions(settings, thinking));
  try {
    if (settings.reward_function !== undefined) await pool.ready();
    else if (prompts.some(({ row }) => row.ability === "code")) {
      const { level, python } = await pool.isolation();
      emit({ type: "notice", text: `programs run at isolation "${level}", with ${python}` });
    }
    return pool;
  } catch (error) {
    await pool.close();
    throw error;
  }
}

function poolOptions(
  { jobs, math, code, reward_function: own }: VerifierSettings,
  thinking: "required" | "closed-if-opened",
): VerifierPoolOptions {
  return {
    ...(jobs === undefined ? {} : { jobs }),
    math: {
      thinking,
      bareAnswer: math.bare_answer,
      percent: math.percent,
      decimalPlaces: math.decimal_places,
      units: math.units,
      symbolCase: math.symbol_case,
      logBase: math.log_base,
      tupleAsSet: math.tuple_as_set,
    },
    code: {
      thinking,
      reward: code.reward,
      floatTolerance: code.float_tolerance,
      layout: code.layout,
      cpuTimeS: code.cpu_time_s,
      wallTimeS: code.wall_time_s,
      memoryMib: code.memory_mib,
    },
    isolation: code.isolation,
    ...(own === undefined ? {} : { rewardFunction: functionOptions(own) }),
  };
}

/** A recipe's reward function as a pool takes it. */
export function functionOptions({ path, name, signature, timeout_s, python }: RewardFunctionSettings): RewardFunctionOptions {
  return {
    path,
    signature,
    timeoutMs: Math.ceil(timeout_s * 1000),
    ...(name === undefined ? {} : { name }),
    ...(python === undefined ? {} : { python }),
  };
}
