import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { checkContextFits, loadRecipe, presetNames, resolveRecipe, totalSteps, updatesPerStep, writeRecipe } from "./load-recipe.ts";

const BASE = `name: mine
model: models/some
data:
  train: rows.parquet
  max_prompt_length: 64
stages:
  - name: only
    steps: 3
    context_length: 128
    batch_size: 8
    mini_batch_size: 4
    group_size: 4
`;

const GENERATED = `name: made
model: {hidden_size: 128, intermediate_size: 384, layers: 3, attention_heads: 4, key_value_heads: 2, max_position_embeddings: 256}
data:
  max_prompt_length: 32
  generate:
    levels: [1, 2, 3]
    train_per_level: 100
    held_out_per_level: 64
    cold_start_per_level: 100
cold_start:
  steps: 5
  batch_size: 4
  learning_rate: 0.001
  levels: {1: 1, 2: 0.5}
stages:
  - {name: short, steps: 2, context_length: 32, batch_size: 8, mini_batch_size: 8, group_size: 4, levels: [2]}
  - {name: long, steps: 2, context_length: 48, batch_size: 8, mini_batch_size: 8, group_size: 4, levels: [2, 3]}
`;

const resolve = (text: string, sets: string[] = []) => resolveRecipe({ text, label: "my.yaml", sets });
const messageOf = (text: string, sets: string[] = []) => {
  try {
    resolve(text, sets);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("the recipe was accepted");
};

describe("presets", () => {
  const NEEDED: Record<string, string[]> = {
    finetune: ["model=models/some", "data.train=rows.parquet"],
    "on-policy-distillation": ["model=models/some", "data.train=rows.parquet", "kl.reference=models/teacher"],
  };

  test.each(presetNames())("%s loads, and loads back from what it resolves to", (name) => {
    const { recipe, notices } = loadRecipe({ source: name, sets: NEEDED[name] ?? [] });
    expect(recipe.name).toBe(name);
    expect(notices).toEqual([]);
    expect(resolve(writeRecipe(recipe)).recipe).toEqual(recipe);
  });

  test("the paper's schedules (arXiv 2505.22312, tables 10 to 12)", () => {
    const schedule = (name: string) =>
      loadRecipe({ source: name }).recipe.stages.map((s) => [
        s.steps,
        s.context_length,
        s.batch_size,
        s.mini_batch_size,
        s.group_size,
        updatesPerStep(s),
      ]);
    expect(schedule("skywork-or1-math-7b")).toEqual([
      [740, 8192, 256, 128, 16, 2],
      [1000, 16384, 256, 128, 16, 2],
      [340, 32768, 256, 128, 16, 2],
      [80, 32768, 128, 64, 64, 2],
    ]);
    expect(schedule("skywork-or1-7b")).toEqual([
      [660, 16384, 256, 256, 16, 1],
      [660, 32768, 160, 160, 32, 1],
    ]);
    expect(schedule("skywork-or1-32b")).toEqual([
      [760, 16384, 256, 256, 16, 1],
      [370, 24576, 160, 160, 32, 1],
    ]);
    expect(totalSteps(loadRecipe({ source: "skywork-or1-math-7b" }).recipe)).toBe(2160);
    for (const name of ["skywork-or1-7b", "skywork-or1-math-7b", "skywork-or1-32b"]) {
      const { recipe } = loadRecipe({ source: name });
      expect(recipe.optimizer.learning_rate).toBe(1e-6);
      expect(recipe.entropy).toMatchObject({ controller: "adaptive", target: 0.2, delta: 0.005, initial: 0 });
      expect([recipe.loss.clip_low, recipe.loss.clip_high, recipe.rollout.temperature]).toEqual([0.2, 0.2, 1]);
    }
  });
});

test("every default is written out", () => {
  expect(parse(writeRecipe(resolve(BASE).recipe))).toEqual({
    name: "mine",
    seed: 0,
    model: "models/some",
    data: { train: "rows.parquet", max_prompt_length: 64 },
    stages: [
      {
        name: "only",
        steps: 3,
        context_length: 128,
        batch_size: 8,
        mini_batch_size: 4,
        reuse: 1,
        group_size: 4,
        rewards: { verifier: { weight: 1, normalize: "none" } },
      },
    ],
    rollout: { temperature: 1, top_p: 1, top_k: 0, top_k_mass: 5 },
    advantages: { estimator: "grpo", normalize_by_std: true, whiten: false, truncation_mask: "none", truncated_reward: "zero" },
    loss: {
      name: "magic",
      aggregation: "token-mean",
      denominator: "exact",
      clip_low: 0.2,
      clip_high: 0.2,
      mini_batches: "shuffled",
      micro_batch_tokens: 16384,
    },
    entropy: { controller: "adaptive", rule: "paper", initial: 0, delta: 0.005, min: 0, target: 0.2 },
    alarms: {
      window: 10,
      collapse: { action: "warn", fraction: 0.2, flat_reward_gain: 0.02, solved_reward: 0.95 },
      explosion: { action: "warn", factor: 2, rise: 0.3 },
      reward_hacking: { action: "warn", accuracy_drop: 0.1, reward_gain: 0.1 },
      max_roll_backs: 3,
    },
    optimizer: { learning_rate: 1e-6, betas: [0.9, 0.999], epsilon: 1e-8, weight_decay: 0.01, max_grad_norm: 1 },
    verifier: {
      math: {
        bare_answer: "refuse",
        percent: "integers",
        decimal_places: 6,
        units: "drop",
        symbol_case: "fold",
        log_base: 10,
        tuple_as_set: "ordered",
      },
      code: {
        isolation: "full",
        reward: "all",
        float_tolerance: 1e-9,
        layout: "lines",
        cpu_time_s: 6,
        wall_time_s: 18,
        memory_mib: 1024,
      },
    },
    rejection: { zero_advantage: true },
    evaluation: { samples_per_prompt: 8, temperature: 1 },
    checkpoint: { every: 20, keep: 2 },
    memory: { gradient_checkpointing: false },
    engine: { kind: "auto", precision: "float32", xla: false },
  });
});

describe("overrides", () => {
  test("values are YAML; paths reach into lists; null removes; later ones win", () => {
    const { recipe } = resolve(BASE, [
      "stages.0.steps=7",
      "stages[0].levels=[1, 2]",
      "seed=5",
      "seed=6",
      "rejection.zero_advantage=false",
      "optimizer.learning_rate=3e-4",
      "name='12'",
      "data.max_prompt_length=null",
    ]);
    expect(recipe.stages[0]).toMatchObject({ steps: 7, levels: [1, 2] });
    expect(recipe.seed).toBe(6);
    expect(recipe.rejection.zero_advantage).toBe(false);
    expect(recipe.optimizer.learning_rate).toBe(3e-4);
    expect(recipe.name).toBe("12");
    expect(recipe.data.max_prompt_length).toBe(1024);
  });

  test("a path takes the place of a new model's shape, and back", () => {
    expect(resolve(GENERATED, ["model=models/other"]).recipe.model).toBe("models/other");
    const shape = "{hidden_size: 8, intermediate_size: 8, layers: 1, attention_heads: 2, key_value_heads: 1, max_position_embeddings: 256}";
    expect(resolve(GENERATED, ["model=some", `model=${shape}`]).recipe.model).toMatchObject({ layers: 1 });
  });

  test("a data file takes the place of the generator with all that speaks of it, and says so", () => {
    const { recipe, notices } = resolve(GENERATED, ["model=models/some", "data.train=rows.parquet"]);
    expect(recipe.data).toEqual({ train: "rows.parquet", max_prompt_length: 32 });
    expect(recipe.cold_start).toBeUndefined();
    expect(recipe.stages.every((stage) => stage.levels === undefined)).toBe(true);
    expect(notices).toEqual([
      "data.train replaces the generated data, so data.generate, cold_start, stages.0.levels, stages.1.levels of the recipe are left out",
    ]);
  });
});

describe("errors are one exact line", () => {
  test.each<[string, string, string[], string]>([
    [
      "unknown key",
      BASE.replace("    group_size", "    grup_size"),
      [],
      "my.yaml:12: expected a known key, got stages.0.grup_size. Did you mean stages.0.group_size?",
    ],
    [
      "unknown key of another section",
      BASE + "clip_low: 0.1\n",
      [],
      "my.yaml:13: expected a known key, got clip_low. Did you mean loss.clip_low?",
    ],
    [
      "unknown key like nothing",
      BASE + "rollout:\n  zzzzzzzz: 1\n",
      [],
      "my.yaml:14: expected a known key, got rollout.zzzzzzzz. Known here: temperature, top_p, top_k, top_k_mass, replay",
    ],
    [
      "unknown key by --set",
      BASE,
      ["optimiser.learning_rate=1"],
      "--set optimiser.learning_rate: expected a known key, got optimiser. Did you mean optimizer?",
    ],
    ["wrong type", BASE.replace("steps: 3", "steps: three"), [], 'my.yaml:8: stages.0.steps must be a whole number, got "three"'],
    ["fraction", BASE.replace("steps: 3", "steps: 2.5"), [], "my.yaml:8: stages.0.steps must be a whole number, got 2.5"],
    ["too small", BASE, ["stages.0.group_size=1"], "--set stages.0.group_size: stages.0.group_size must be at least 2, got 1"],
    ["out of range", BASE, ["loss.clip_low=1"], "--set loss.clip_low: loss.clip_low must be below 1, got 1"],
    [
      "missing",
      BASE.replace("model: models/some\n", ""),
      [],
      "my.yaml:1: model must be text or a mapping, got nothing. Add it, or --set model=…",
    ],
    [
      "missing in a list",
      BASE.replace("    steps: 3\n", ""),
      [],
      "my.yaml:7: stages.0.steps must be a whole number, got nothing. Add it, or --set stages.0.steps=…",
    ],
    [
      "wrong choice",
      BASE,
      ["engine.kind=gpu"],
      '--set engine.kind: engine.kind must be one of auto, tensorflow-gpu, tensorflow, wasm, got "gpu"',
    ],
    [
      "wrong controller",
      BASE,
      ["entropy.controller=adaptve"],
      '--set entropy.controller: entropy.controller must be one of adaptive, pi, constant, none, got "adaptve"',
    ],
    [
      "knob without effect",
      BASE + "entropy:\n  controller: constant\n  coefficient: 0.01\n  delta: 0.1\n",
      [],
      "my.yaml:16: entropy.delta must be absent, since it has no effect with entropy.controller constant, got 0.1. Remove it, or set entropy.controller to adaptive",
    ],
    [
      "coefficient without effect",
      BASE,
      ["entropy.coefficient=0.1"],
      "--set entropy.coefficient: entropy.coefficient must be absent, since it has no effect with entropy.controller adaptive, got 0.1. Remove it, or set entropy.controller to constant",
    ],
    [
      "batch does not divide",
      BASE.replace("mini_batch_size: 4", "mini_batch_size: 3"),
      [],
      "my.yaml:10: stages.0.batch_size must be a multiple of stages.0.mini_batch_size (3), got 8",
    ],
    [
      "online filter with nothing before it",
      BASE,
      ["online_filter={}"],
      '--set online_filter: online_filter must be absent, since it has no effect in a recipe of one stage, got {"solved_at":1}. Remove it (--set online_filter=null)',
    ],
    [
      "mini-batch above batch",
      BASE,
      ["stages.0.mini_batch_size=16"],
      "--set stages.0.mini_batch_size: stages.0.mini_batch_size must be at most stages.0.batch_size (8), got 16",
    ],
    [
      "micro-batch too small",
      BASE,
      ["loss.micro_batch_tokens=100"],
      "--set loss.micro_batch_tokens: loss.micro_batch_tokens must be at least 192, the longest prompt and response together, got 100",
    ],
    [
      "no data",
      BASE.replace("  train: rows.parquet\n", ""),
      [],
      "my.yaml:3: data.train must be a parquet or JSONL file, unless data.generate makes the data, got nothing",
    ],
    [
      "cold start without solutions",
      BASE + "cold_start: {steps: 1, batch_size: 1, learning_rate: 0.1, levels: {1: 1}}\n",
      [],
      "my.yaml:13: cold_start must be absent, since only data.generate makes worked solutions, got a cold start. Remove it (--set cold_start=null)",
    ],
    [
      "entropy cap below floor",
      BASE,
      ["entropy={min: 0.2, max: 0.1, initial: 0.2}"],
      "--set entropy: entropy.max must be above entropy.min (0.2), got 0.1",
    ],
    [
      "initial coefficient below the floor",
      BASE,
      ["entropy.min=0.1"],
      "my.yaml:1: entropy.initial must be at least entropy.min (0.1), got 0",
    ],
    [
      "not YAML",
      "name: [",
      [],
      "my.yaml:1:8: expected YAML, got Flow sequence in block collection must be sufficiently indented and end with a ]",
    ],
    ["duplicate key", "name: a\nname: b\n", [], "my.yaml:2:1: expected YAML, got Map keys must be unique"],
    ["no mapping", "- 1\n", [], "my.yaml:1: the recipe must be a mapping, got [1]"],
    ["malformed override", BASE, ["seed"], '--set: expected key=value with a dotted key, such as stages.0.steps=5, got "seed"'],
    ["index past the end", BASE, ["stages.1.steps=4"], "--set stages.1.steps: the index into stages must be from 0 to 0, got 1"],
    ["key inside a path", BASE, ["model.layers=4"], '--set model.layers: model must be a mapping to set a key in, got "models/some"'],
  ])("%s", (_, text, sets, expected) => {
    const message = messageOf(text, sets);
    expect(message).toBe(expected);
    expect(message).not.toContain("\n");
  });

  test.each<[string, string[], string]>([
    [
      "head size",
      ["model.hidden_size=130"],
      "--set model.hidden_size: model.hidden_size must be a multiple of model.attention_heads (4), got 130",
    ],
    [
      "context longer than the model's",
      ["stages.1.context_length=240"],
      "--set stages.1.context_length: stages.1.context_length must be at most model.max_position_embeddings - data.max_prompt_length (256 - 32), got 240",
    ],
    [
      "a level that cannot be generated",
      ["data.generate.levels=[1, 9]"],
      "--set data.generate.levels: data.generate.levels.1 must be at most 4, got 9",
    ],
    [
      "stray level",
      ["stages.1.levels=[2, 5]"],
      "--set stages.1.levels: stages.1.levels must be levels of data.generate.levels (1, 2, 3), got 5",
    ],
    [
      "stray cold-start level",
      ["cold_start.levels.9=1"],
      "my.yaml:14: cold_start.levels must be levels of data.generate.levels (1, 2, 3), got 9",
    ],
    [
      "solutions nobody learns from",
      ["cold_start=null"],
      "my.yaml:9: data.generate.cold_start_per_level must be absent, since it has no effect without cold_start, got 100",
    ],
    [
      "more held out than made",
      ["evaluation.prompts_per_level=5000"],
      "--set evaluation.prompts_per_level: evaluation.prompts_per_level must be at most data.generate.held_out_per_level (64), got 5000",
    ],
    [
      "a file with a new model",
      ["data.train=rows.parquet"],
      "my.yaml:2: model must be a folder with weights, since only data.generate can teach a new model its first steps, got the shape of a new model. Add --set model=DIR",
    ],
  ])("generated data: %s", (_, sets, expected) => {
    expect(messageOf(GENERATED, sets)).toBe(expected);
  });

  test("unknown preset, missing file, context of a model on disk", () => {
    expect(() => loadRecipe({ source: "quikstart" })).toThrow(
      /^--recipe: expected the path of a \.yaml file or one of calibration, .*, quickstart, .*, got quikstart\. Did you mean quickstart\?$/,
    );
    expect(() => loadRecipe({ source: "./nowhere.yaml" })).toThrow("--recipe: expected a recipe file that exists, got ./nowhere.yaml");
    expect(() => checkContextFits(resolve(BASE).recipe, 150)).toThrow(
      "recipe mine: stages.0.context_length must be at most the model's max_position_embeddings - data.max_prompt_length (150 - 64), got 128",
    );
    expect(() => checkContextFits(resolve(BASE).recipe, 192)).not.toThrow();
  });
});

test("a recipe is read from a file", () => {
  const path = join(mkdtempSync(join(tmpdir(), "longcot-recipe-")), "my.yaml");
  writeFileSync(path, stringify({ ...parse(BASE), seed: 9 }));
  expect(loadRecipe({ source: path }).recipe.seed).toBe(9);
});

test.each([
  ["verifir: {}", "expected a known key, got stages.0.rewards.verifir. Did you mean stages.0.rewards.verifier?"],
  ["", "stages.0.rewards must be at least one component with a weight other than 0, got {}"],
  ["verifier: {clip: [1, 0]}", "stages.0.rewards.verifier.clip must be [least, most] with least below most, got [1,0]"],
  ["overlong: {}", "stages.0.rewards.overlong.buffer_length must be a whole number, got nothing"],
  ["overlong: {buffer_length: 129}", "stages.0.rewards.overlong.buffer_length must be at most stages.0.context_length (128), got 129"],
])("rewards that are refused: %s", (rewards, message) => {
  expect(messageOf(BASE, [`stages.0.rewards={${rewards}}`])).toContain(message);
});
