// Logit distillation of a whole model: teacher scores through a file, gradients against finite differences of a weight, a student that comes to its teacher.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { planBatches, score } from "@longcot/language-model";
import { keyedUniform } from "@longcot/tensor-kernels";
import { expectClose } from "@longcot/vitest-config/close-to";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTinyModel, tinyTokenizer, type TinyModel } from "../testing/tiny-model.ts";
import { createDistillationTrainer } from "./distillation-trainer.ts";
import { checkSameTokenizer } from "./same-tokenizer.ts";
import { scoreExamples } from "./score-examples.ts";
import { readTeacherScores, writeTeacherScores, type ScoredExample } from "./teacher-scores.ts";

const folder = mkdtempSync(join(tmpdir(), "longcot-scores-"));
const [TOP_K, TEMPERATURE, BATCH_TOKENS] = [4, 1.5, 256];
const OPTIMIZER = { betas: [0.9, 0.99], epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1e9 } as const;
const LENGTHS = [40, 9, 8, 14, 5, 22, 7, 11];

let teacher: TinyModel;
let student: TinyModel;
let scored: ScoredExample[];
beforeAll(async () => {
  teacher = await openTinyModel({ seed: 3 });
  student = await openTinyModel({ seed: 4 });
  const examples = LENGTHS.map((length, prompt) => ({
    tokens: Int32Array.from({ length }, (_, position) =>
      Math.floor(keyedUniform({ seed: 1, step: 0, prompt, sample: 0, position }) * teacher.model.config.vocabSize),
    ),
    promptLength: 1 + (prompt % 4),
  }));
  scored = await scoreExamples(teacher.model, examples, { topK: TOP_K, temperature: TEMPERATURE, batchTokens: BATCH_TOKENS });
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await teacher[Symbol.asyncDispose]();
  await student[Symbol.asyncDispose]();
});

test("the likeliest tokens are those that scores of the same text agree with", async () => {
  const scores = await score(
    teacher.model,
    scored.map(({ tokens }) => tokens),
    { temperature: TEMPERATURE },
  );
  let found = 0;
  scored.forEach(({ tokens, promptLength, topIds, topLogProbs }, i) => {
    for (let t = promptLength; t < tokens.length; t++) {
      const at = (t - promptLength) * TOP_K;
      const logs = [...topLogProbs.subarray(at, at + TOP_K)];
      expect(logs).toEqual(logs.toSorted((a, b) => b - a));
      const place = topIds.subarray(at, at + TOP_K).indexOf(tokens[t]!);
      // A token among the likeliest has the score that scoring gives it; any other is less likely than all of them.
      const expected = place < 0 ? Math.min(logs.at(-1)!, scores[i]!.logProbs[t]!) : logs[place]!;
      expectClose([scores[i]!.logProbs[t]!], [expected], { atol: 1e-5 });
      if (place >= 0) found++;
    }
  });
  expect(found).toBeGreaterThan(5);
});

test("a file gives back what was written; a foreign or broken one is refused", () => {
  const path = join(folder, "scores.arrow");
  const info = { teacher: "t", topK: TOP_K, temperature: TEMPERATURE };
  writeTeacherScores(path, scored, info);
  expect(readTeacherScores(path)).toEqual({ info, examples: scored });
  writeFileSync(join(folder, "no.arrow"), "no arrow at all");
  expect(() => readTeacherScores(join(folder, "no.arrow"))).toThrow("expected teacher scores of version 1");
  writeTeacherScores(join(folder, "k.arrow"), scored, { ...info, topK: 3 });
  expect(() => readTeacherScores(join(folder, "k.arrow"))).toThrow("row 0 without 3 scores a completion token");
});

test.each(["reverse_kl", "jsd"] as const)(
  "the gradient of a weight under %s is that of finite differences, in packed rows",
  async (name) => {
    expect(planBatches(LENGTHS, { batchTokens: BATCH_TOKENS, most: 64 })[0]!.packing).toBeDefined();
    const trainer = await createDistillationTrainer(student.model, {
      optimizer: OPTIMIZER,
      batchTokens: BATCH_TOKENS,
      temperature: TEMPERATURE,
      topK: TOP_K,
      divergence: { name },
      crossEntropyWeight: 0.25,
    });
    const parameter = student.model.parameters.find(({ name: own }) => own.includes("down"))!;
    const { engine } = student;
    const before = (await engine.read(parameter.variable)) as Float32Array;
    const weights = before.slice();
    const lossWith = async (index: number, by: number): Promise<number> => {
      const moved = weights.slice();
      moved[index]! += by;
      await engine.write(parameter.variable, moved);
      return (await trainer.step(scored, 1e-30)).loss;
    };
    await trainer.step(scored, 1e-30);
    const moments = trainer.trainer.stateTensors().find(({ name: own }) => own === `first_moment.${parameter.name}`)!;
    const data = typeof moments.data === "function" ? await moments.data() : moments.data;
    const gradient = Float32Array.from(data, (value) => value * 10);
    const largest = [...gradient.keys()].toSorted((a, b) => Math.abs(gradient[b]!) - Math.abs(gradient[a]!)).slice(0, 2);
    for (const index of largest) {
      const difference = ((await lossWith(index, 0.01)) - (await lossWith(index, -0.01))) / 0.02;
      expectClose([gradient[index]!], [difference], { rtol: 1e-2, atol: 2e-4 }, `${parameter.name}[${index}]`);
    }
    await engine.write(parameter.variable, weights);
    await trainer.close();
  },
);

test("a student comes nearer to its teacher than the text alone would bring it", async () => {
  const trainer = await createDistillationTrainer(student.model, {
    optimizer: { ...OPTIMIZER, maxGradNorm: 1 },
    batchTokens: BATCH_TOKENS,
    temperature: TEMPERATURE,
    topK: TOP_K,
    divergence: { name: "forward_kl" },
    crossEntropyWeight: 0,
  });
  const divergences: number[] = [];
  for (let step = 0; step < 40; step++) divergences.push((await trainer.step(scored, 1e-2)).divergence);
  expect(divergences.at(-1)!).toBeLessThan(0.3 * divergences[0]!);
  await trainer.close();
});

test("a teacher with another tokenizer is refused by name and token", async () => {
  const [same, other] = [await tinyTokenizer(), await tinyTokenizer("0123456789-+=;")];
  checkSameTokenizer({ name: "t", tokenizer: same }, { name: "s", tokenizer: await tinyTokenizer() });
  expect(() => checkSameTokenizer({ name: "teacher", tokenizer: other }, { name: "student", tokenizer: same })).toThrow(
    /^teacher teacher: tokenizer must be that of the student student, where token \d+ is .*, got .*\. Distil its answers as text instead/,
  );
});
