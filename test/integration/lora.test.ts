// Adapters trained on a model of one's own: the folder holds them in PEFT's format, killed and resumed is as uninterrupted, and they generate.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import { eventsOf, runLongcot, startLongcot, TINY_RECIPE } from "./longcot-process.ts";
import { readOutcome } from "./run-outcome.ts";
import { scratchFolder } from "./scratch-folder.ts";

const { run: reference } = inject("reference");
const scratch = scratchFolder();
const base = join(reference, "checkpoints", "step-000006", "model");
const SETS = [
  `model=${base}`,
  "cold_start=null",
  "data.generate.cold_start_per_level=null",
  "lora={rank: 4, alpha: 8, target_modules: [q_proj, v_proj, down_proj]}",
  "optimizer.learning_rate=0.003",
].flatMap((set) => ["--set", set]);
const train = (run: string) => ["train", "--recipe", TINY_RECIPE, "--run", run, "--json", ...SETS];

test("adapters are trained, resumed, written for PEFT and loaded", async () => {
  const whole = join(scratch, "whole");
  const finished = await runLongcot(...train(whole));
  expect(finished).toMatchObject({ code: 0, stderr: "" });
  expect(eventsOf(finished).filter(({ type }) => type === "step").length).toBeGreaterThan(2);

  const killed = join(scratch, "killed");
  await startLongcot(train(killed), { stopAt: { moment: [4, "update", 0], signal: "SIGKILL" } }).done;
  expect(await runLongcot("train", "--resume", "--run", killed, "--json")).toMatchObject({ code: 0, stderr: "" });
  expect(readOutcome(killed)).toEqual(readOutcome(whole));

  const adapter = join(whole, "checkpoints", "step-000006", "model");
  expect(existsSync(join(adapter, "config.json"))).toBe(false);
  const config = JSON.parse(readFileSync(join(adapter, "adapter_config.json"), "utf8")) as Record<string, unknown>;
  expect(config).toMatchObject({ peft_type: "LORA", r: 4, lora_alpha: 8, base_model_name_or_path: base });
  expect(existsSync(join(adapter, "adapter_model.safetensors"))).toBe(true);

  const prompts = join(scratch, "prompts.jsonl");
  writeFileSync(prompts, `${JSON.stringify({ id: "a", messages: [{ role: "user", content: "1+1" }] })}\n`);
  const texts = ["adapted", "base"].map((name) => join(scratch, `${name}.jsonl`));
  for (const [i, model] of [adapter, base].entries()) {
    const args = ["--model", model, "--input", prompts, "--out", texts[i]!, "--greedy", "--max-new-tokens", "8"];
    expect(await runLongcot("generate", ...args)).toMatchObject({ code: 0, stderr: "" });
  }
  const logProbs = texts.map((path) => (JSON.parse(readFileSync(path, "utf8")) as { log_probs: number[] }).log_probs);
  expect(logProbs[0]).not.toEqual(logProbs[1]);
});
