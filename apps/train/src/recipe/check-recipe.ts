// The rules of a recipe that span several keys: arithmetic that must divide, shapes that must fit, knobs that must matter.
import { criticRules } from "./check-critic.ts";
import { lossRules } from "./check-loss.ts";
import { dotted } from "./issue-message.ts";
import { namedComponents } from "./reward-schema.ts";
import type { Recipe } from "./schema.ts";

/** One broken rule: the key at fault and the sentence about it. */
export interface BrokenRule {
  path: PropertyKey[];
  expected: string;
  received: string;
  fix?: string;
}

/** The first rule that `recipe` breaks, or undefined. */
export function findBrokenRule(recipe: Recipe): BrokenRule | undefined {
  for (const rule of RULES) {
    for (const broken of rule(recipe)) return broken;
  }
  return undefined;
}

/** Levels that the recipe's data can hold: generated ones, or those that `data.levels` keeps; undefined if only the files know. */
export function dataLevels(recipe: Recipe): number[] | undefined {
  return recipe.data.levels ?? recipe.data.generate?.levels;
}

const RULES: ((recipe: Recipe) => Iterable<BrokenRule>)[] = [
  modelShape,
  adapters,
  dataSource,
  coldStart,
  stageArithmetic,
  stageLevels,
  stageRewards,
  microBatch,
  lossRules,
  criticRules,
  entropyRange,
  alarms,
  onlineFilter,
  plateau,
  evaluation,
];

function* modelShape({ model }: Recipe): Iterable<BrokenRule> {
  if (typeof model === "string") return;
  yield* divides(["model", "hidden_size"], model.hidden_size, "model.attention_heads", model.attention_heads);
  yield* divides(["model", "attention_heads"], model.attention_heads, "model.key_value_heads", model.key_value_heads);
  const headSize = model.hidden_size / model.attention_heads;
  if (headSize % 2 !== 0)
    yield {
      path: ["model", "hidden_size"],
      expected: "an even number times model.attention_heads (rotary positions pair the dimensions of a head)",
      received: `${headSize} a head`,
    };
}

function* adapters({ model, lora }: Recipe): Iterable<BrokenRule> {
  if (lora === undefined) return;
  if (typeof model !== "string")
    yield {
      path: ["lora"],
      expected: "absent, since the weights of a new model must be trained themselves",
      received: "adapters",
      fix: "Remove it (--set lora=null), or name a model to adapt",
    };
}

function* dataSource({ data, model }: Recipe): Iterable<BrokenRule> {
  if (data.train === undefined && data.generate === undefined)
    yield { path: ["data", "train"], expected: "a parquet or JSONL file, unless data.generate makes the data", received: "nothing" };
  if (data.train !== undefined && data.generate !== undefined)
    yield {
      path: ["data", "generate"],
      expected: "absent, since it has no effect with data.train",
      received: "both",
      fix: "Remove one of them (--set data.generate=null)",
    };
  if (data.validation !== undefined && data.generate !== undefined)
    yield {
      path: ["data", "validation"],
      expected: "absent, since data.generate makes its own held-out problems",
      received: JSON.stringify(data.validation),
    };
  if (data.train !== undefined && typeof model !== "string")
    yield {
      path: ["model"],
      expected: "a folder with weights, since only data.generate can teach a new model its first steps",
      received: "the shape of a new model",
      fix: "Add --set model=DIR",
    };
  if (data.generate !== undefined && data.levels !== undefined)
    yield* subset(["data", "levels"], data.levels, "data.generate.levels", data.generate.levels);
  for (const [path, levels] of [
    [["data", "levels"], data.levels],
    [["data", "generate", "levels"], data.generate?.levels],
  ] as const)
    yield* distinct([...path], levels);
}

function* coldStart({ cold_start: cold, data }: Recipe): Iterable<BrokenRule> {
  const made = data.generate;
  if (cold === undefined) {
    if (made?.cold_start_per_level !== undefined)
      yield {
        path: ["data", "generate", "cold_start_per_level"],
        expected: "absent, since it has no effect without cold_start",
        received: String(made.cold_start_per_level),
      };
    return;
  }
  if (made === undefined)
    return yield {
      path: ["cold_start"],
      expected: "absent, since only data.generate makes worked solutions",
      received: "a cold start",
      fix: "Remove it (--set cold_start=null)",
    };
  if (made.cold_start_per_level === undefined)
    yield {
      path: ["data", "generate", "cold_start_per_level"],
      expected: "given, since cold_start learns from those solutions",
      received: "nothing",
    };
  yield* subset(["cold_start", "levels"], Object.keys(cold.levels).map(Number), "data.generate.levels", made.levels);
  if (!Object.values(cold.levels).some((weight) => weight > 0))
    yield { path: ["cold_start", "levels"], expected: "a mapping with at least one weight above 0", received: JSON.stringify(cold.levels) };
  if (cold.warmup_steps > cold.steps)
    yield {
      path: ["cold_start", "warmup_steps"],
      expected: `at most cold_start.steps (${cold.steps})`,
      received: String(cold.warmup_steps),
    };
}

function* stageArithmetic({ stages, model, data, cold_start }: Recipe): Iterable<BrokenRule> {
  for (const [i, stage] of stages.entries()) {
    if (stage.steps === 0 && (stages.length > 1 || cold_start === undefined))
      yield { path: ["stages", i, "steps"], expected: "at least 1, except in the only stage of a recipe with cold_start", received: "0" };
    if (stages.findIndex((other) => other.name === stage.name) !== i)
      yield { path: ["stages", i, "name"], expected: "a name that no other stage has", received: stage.name };
    if (stage.mini_batch_size > stage.batch_size)
      yield {
        path: ["stages", i, "mini_batch_size"],
        expected: `at most stages.${i}.batch_size (${stage.batch_size})`,
        received: String(stage.mini_batch_size),
      };
    yield* divides(["stages", i, "batch_size"], stage.batch_size, `stages.${i}.mini_batch_size`, stage.mini_batch_size);
    if (typeof model !== "string")
      yield* fitsContext(i, stage.context_length, data.max_prompt_length, model.max_position_embeddings, "model.max_position_embeddings");
  }
}

/**
 * Whether every stage's longest prompt and response fit the positions of a model read from disk.
 * Call it once the model's configuration is known; for a new model {@link findBrokenRule} has done it.
 */
export function findContextOverflow(recipe: Recipe, maxPositionEmbeddings: number): BrokenRule | undefined {
  for (const [i, stage] of recipe.stages.entries()) {
    for (const broken of fitsContext(
      i,
      stage.context_length,
      recipe.data.max_prompt_length,
      maxPositionEmbeddings,
      "the model's max_position_embeddings",
    ))
      return broken;
  }
  return undefined;
}

function* fitsContext(i: number, contextLength: number, promptLength: number, positions: number, owner: string): Iterable<BrokenRule> {
  if (contextLength + promptLength > positions)
    yield {
      path: ["stages", i, "context_length"],
      expected: `at most ${owner} - data.max_prompt_length (${positions} - ${promptLength})`,
      received: String(contextLength),
    };
}

function* stageLevels(recipe: Recipe): Iterable<BrokenRule> {
  const known = dataLevels(recipe);
  for (const [i, stage] of recipe.stages.entries()) {
    yield* distinct(["stages", i, "levels"], stage.levels);
    if (stage.levels !== undefined && known !== undefined)
      yield* subset(
        ["stages", i, "levels"],
        stage.levels,
        recipe.data.levels === undefined ? "data.generate.levels" : "data.levels",
        known,
      );
  }
}

function* stageRewards({ stages }: Recipe): Iterable<BrokenRule> {
  for (const [i, { rewards, context_length }] of stages.entries()) {
    const path = ["stages", i, "rewards"];
    if (namedComponents(rewards).every(([, { weight }]) => weight === 0))
      yield { path, expected: "at least one component with a weight other than 0", received: JSON.stringify(rewards) };
    for (const [name, { clip }] of namedComponents(rewards))
      if (clip !== undefined && clip[0] >= clip[1])
        yield { path: [...path, name, "clip"], expected: "[least, most] with least below most", received: JSON.stringify(clip) };
    if (rewards.overlong !== undefined && rewards.overlong.buffer_length > context_length)
      yield {
        path: [...path, "overlong", "buffer_length"],
        expected: `at most stages.${i}.context_length (${context_length})`,
        received: String(rewards.overlong.buffer_length),
      };
  }
}

function* microBatch({ stages, data, loss }: Recipe): Iterable<BrokenRule> {
  const longest = data.max_prompt_length + Math.max(...stages.map((stage) => stage.context_length));
  if (loss.micro_batch_tokens < longest)
    yield {
      path: ["loss", "micro_batch_tokens"],
      expected: `at least ${longest}, the longest prompt and response together`,
      received: String(loss.micro_batch_tokens),
    };
}

function* entropyRange({ entropy }: Recipe): Iterable<BrokenRule> {
  if (entropy.controller === "pi") {
    const { proportional, integral, min: least, max: most } = entropy;
    if (most <= least) yield { path: ["entropy", "max"], expected: `above entropy.min (${least})`, received: String(most) };
    if (proportional === 0 && integral === 0)
      yield { path: ["entropy", "proportional"], expected: "above 0 where entropy.integral is 0", received: "0" };
  }
  if (entropy.controller !== "adaptive") return;
  const { min, max = Infinity, initial } = entropy;
  if (max <= min) yield { path: ["entropy", "max"], expected: `above entropy.min (${min})`, received: String(max) };
  if (initial < min) yield { path: ["entropy", "initial"], expected: `at least entropy.min (${min})`, received: String(initial) };
  if (initial > max) yield { path: ["entropy", "initial"], expected: `at most entropy.max (${max})`, received: String(initial) };
}

function* alarms({ alarms: { collapse, explosion } }: Recipe): Iterable<BrokenRule> {
  for (const [name, key, { action }, amount] of [
    ["collapse", "raise_alpha", collapse, collapse.raise_alpha],
    ["explosion", "lower_alpha", explosion, explosion.lower_alpha],
  ] as const) {
    const path = ["alarms", name, key];
    if (action === "roll_back" && amount === undefined)
      yield {
        path,
        expected: `given, since alarms.${name}.action roll_back would only repeat the same steps without it`,
        received: "nothing",
      };
    if (action !== "roll_back" && amount !== undefined)
      yield { path, expected: `absent, since it has no effect with alarms.${name}.action ${action}`, received: String(amount) };
  }
}

function* onlineFilter({ online_filter: filter, stages }: Recipe): Iterable<BrokenRule> {
  if (filter !== undefined && stages.length === 1)
    yield {
      path: ["online_filter"],
      expected: "absent, since it has no effect in a recipe of one stage",
      received: JSON.stringify(filter),
      fix: "Remove it (--set online_filter=null)",
    };
}

function* plateau({ stages, evaluation: { every }, data }: Recipe): Iterable<BrokenRule> {
  for (const [i, stage] of stages.entries()) {
    if (stage.plateau === undefined) continue;
    const path = ["stages", i, "plateau"];
    const received = JSON.stringify(stage.plateau);
    if (every === undefined || (data.generate === undefined && data.validation === undefined))
      yield { path, expected: "absent without evaluation.every and held-out data, since evaluations decide it", received };
    else if (stage.plateau.evaluations * every >= stage.steps)
      yield {
        path: [...path, "evaluations"],
        expected: `less than ${stage.steps / every}, since the stage has ${stage.steps} steps and evaluation.every is ${every}`,
        received: String(stage.plateau.evaluations),
      };
  }
}

function* evaluation({ evaluation: { prompts_per_level: wanted }, data }: Recipe): Iterable<BrokenRule> {
  const made = data.generate?.held_out_per_level;
  if (wanted !== undefined && made !== undefined && wanted > made)
    yield {
      path: ["evaluation", "prompts_per_level"],
      expected: `at most data.generate.held_out_per_level (${made})`,
      received: String(wanted),
    };
}

function* divides(path: PropertyKey[], value: number, owner: string, divisor: number): Iterable<BrokenRule> {
  if (value % divisor !== 0) yield { path, expected: `a multiple of ${owner} (${divisor})`, received: String(value) };
}

function* subset(path: PropertyKey[], levels: readonly number[], owner: string, known: readonly number[]): Iterable<BrokenRule> {
  const stray = levels.find((level) => !known.includes(level));
  if (stray !== undefined) yield { path, expected: `levels of ${owner} (${known.join(", ")})`, received: String(stray) };
}

function* distinct(path: PropertyKey[], levels: readonly number[] | undefined): Iterable<BrokenRule> {
  const twice = levels?.find((level, i) => levels.indexOf(level) !== i);
  if (twice !== undefined) yield { path, expected: `distinct levels (${dotted(path)} counts a level once)`, received: `${twice} twice` };
}
