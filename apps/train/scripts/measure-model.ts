// Times a model directory and says how much memory it takes: loading, 64 tokens for 4 prompts, a training step of adapters, one of all weights; where it
// is asked for, one of all weights on a single sequence of 32,768 tokens (`long`, minutes even for a small model). Each phase is a process of its own, so that its peak is its own.
//
//   pnpm exec node --conditions=longcot-source apps/train/scripts/measure-model.ts DIR [load|generate|lora|full|long [bfloat16]]

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  attachLora,
  countParameters,
  createTrainer,
  crossEntropyLoss,
  generate,
  loadLanguageModel,
  loadTokenizer,
} from "@longcot/language-model";
import type { LanguageModel } from "@longcot/language-model";
import { openEngine } from "@longcot/tensor-kernels";
import type { Precision } from "@longcot/tensor-kernels";

const PROMPTS = ["What is 12 + 30?", "Name a prime above 100.", "Is 91 prime?", "Sum the numbers from 1 to 10."];
const NEW_TOKENS = 64;
/** Sequences and tokens of the training steps. */
const SHORT = { rows: 4, time: 128, steps: ["first_step", "step"] };
const LONG = { rows: 1, time: 32_768, steps: ["step"] };
const PHASES = ["load", "generate", "lora", "full"];

const [directory, only, precision = "float32"] = process.argv.slice(2);
if (directory === undefined) throw new Error(`usage: measure-model.ts DIR [${PHASES.join("|")}|long [bfloat16]]`);
if (only === undefined) {
  for (const phase of PHASES)
    spawnSync(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url), directory, phase], { stdio: "inherit" });
} else {
  await measure(directory, only);
}

async function measure(path: string, phase: string): Promise<void> {
  const engine = await openEngine({ precision: precision as Precision });
  const before = process.memoryUsage.rss();
  const seconds: Record<string, number> = {};
  /** Of all threads: what a machine with other work on it says of ours. */
  const processorSeconds: Record<string, number> = {};
  const timed = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const [start, used] = [performance.now(), process.cpuUsage()];
    const result = await work();
    const { user, system } = process.cpuUsage(used);
    processorSeconds[name] = Number(((user + system) / 1e6).toFixed(2));
    seconds[name] = Number(((performance.now() - start) / 1000).toFixed(2));
    return result;
  };
  const model = await timed("load", () => loadLanguageModel(engine, path));
  const tokenizer = await loadTokenizer(path);
  if (phase === "generate") {
    const requests = PROMPTS.map((text, prompt) => ({ promptTokens: tokenizer.encode(text), prompt, sample: 0 }));
    const options = {
      decoding: { kind: "sample", temperature: 1, topP: 1, topK: 0 },
      maxNewTokens: NEW_TOKENS,
      seed: 0,
      step: 0,
      eosTokenIds: [],
    } as const;
    await timed("first_generate", () => generate(model, requests, options));
    await timed("generate", () => generate(model, requests, options));
  }
  if (phase === "lora") await train(await attachLora(model, { rank: 16, alpha: 32, base: path }, { seed: 0 }));
  if (phase === "full") await train(model);
  if (phase === "long") await train(model, LONG);
  const peak = peakBytes();
  const weights = countParameters(model) * Float32Array.BYTES_PER_ELEMENT;
  const gigabytes = (bytes: number): number => Number((bytes / 1e9).toFixed(2));
  const facts = {
    phase,
    seconds,
    processor_seconds: processorSeconds,
    peak_gb: gigabytes(peak),
    weights_gb: gigabytes(weights),
    before_gb: gigabytes(before),
  };
  process.stdout.write(`${JSON.stringify({ ...facts, peak_per_weights: Number((peak / weights).toFixed(3)) })}\n`);
  await engine.close();

  async function train(trained: LanguageModel, { rows, time, steps } = SHORT): Promise<void> {
    const optimizer = { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.01, maxGradNorm: 1 } as const;
    const trainer = await timed("optimizer_state", () =>
      createTrainer(trained, { loss: crossEntropyLoss, optimizer, gradientCheckpointing: true }),
    );
    const inputIds = Int32Array.from({ length: rows * time }, (_, i) => (i * 7919) % model.config.vocabSize);
    const mask = new Float32Array(rows * time).fill(1);
    for (let row = 0; row < rows; row++) mask[row * time] = 0;
    const denominator = Float32Array.of(rows * (time - 1));
    for (const name of steps)
      await timed(name, async () => {
        await trainer.accumulate({ rows, time, inputIds, inputs: { mask, denominator } });
        await trainer.apply(1e-5);
      });
  }
}

/** The most memory that this process has held; Linux alone tells. */
function peakBytes(): number {
  const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"));
  return Number(line![1]) * 1024;
}
