// PPO with a critic in whole runs, on weights of its own and on the policy's: killed and resumed, nothing differs; what the metrics say of values,
// returns and losses is what the checkpoint's critic and the rollout files give.
import { join } from "node:path";
import { readLog } from "@longcot/durable-files";
import {
  attachValueHead,
  loadLanguageModel,
  loadScalarModel,
  openSafetensors,
  restoreValueHead,
  tokenScalars,
} from "@longcot/language-model";
import { explainedVariance, gaeAdvantages, outcomeTokenRewards } from "@longcot/ppo-loss";
import { readRolloutFile } from "@longcot/rollout-buffer";
import { openEngine } from "@longcot/tensor-kernels";
import type { Engine } from "@longcot/tensor-kernels";
import type { Metrics } from "@longcot/train/src/events.ts";
import { rolloutPath } from "@longcot/train/src/run/rollout-store.ts";
import { expectClose } from "@longcot/vitest-config/close-to";
import { describe, expect, test } from "vitest";
import { runLongcot, startLongcot, TINY_RECIPE } from "./longcot-process.ts";
import type { Moment } from "./moment.ts";
import { readOutcome } from "./run-outcome.ts";
import { scratchFolder } from "./scratch-folder.ts";

const scratch = scratchFolder();
const PPO = ["advantages={estimator: gae, lambda: 0.9, gamma: 0.99}", "loss={name: ppo, micro_batch_tokens: 256}", "engine.threads=1"];
/** Reads what the critic of a checkpoint says after every token. */
type Values = (engine: Engine, checkpoint: string, sequences: readonly Int32Array[]) => Promise<Float32Array[]>;

const ownValues: Values = async (engine, checkpoint, sequences) =>
  await tokenScalars(await loadScalarModel(engine, join(checkpoint, "critic", "model")), sequences);
const sharedValues: Values = async (engine, checkpoint, sequences) => {
  const model = await attachValueHead(await loadLanguageModel(engine, join(checkpoint, "model")), { head: "zero" });
  const head = await openSafetensors(join(checkpoint, "critic", "value_head.safetensors"));
  await restoreValueHead(model, head).finally(() => head.close());
  return await tokenScalars(model, sequences);
};

describe.each([
  ["own", "critic={learning_rate: 0.003, warmup_steps: 2}", ownValues, [0, "update_critic", 1], [3, "update_critic", 0]],
  ["shared", "critic={backbone: shared, warmup_steps: 2}", sharedValues, [1, "update_critic", 1], [3, "update", 0]],
] as [backbone: string, set: string, values: Values, ...moments: Moment[]][])(
  "critic on %s weights",
  (backbone, set, values, ...moments) => {
    const flags = (run: string) => ["--recipe", TINY_RECIPE, "--run", run, "--json", ...[...PPO, set].flatMap((one) => ["--set", one])];
    const whole = join(scratch, `${backbone}-whole`);

    test("trains; its metrics follow from its checkpoint and the rollouts", async () => {
      expect(await runLongcot("train", ...flags(whole))).toMatchObject({ code: 0, stderr: "" });
      const metrics = readLog<Metrics>(join(whole, "metrics.jsonl"));
      // In the warm-up the policy stands still: no metric speaks of its update.
      expect(metrics.map((step) => "actor/pg_loss" in step)).toEqual([false, false, true, true, true, true]);
      expect(metrics.every((step) => Number.isFinite(step["critic/vf_loss"]))).toBe(true);
      expect(metrics.map((step) => "critic/lr" in step)).toEqual(metrics.map((_, i) => backbone === "own" || i < 2));

      // Step 5 begins with the weights of the checkpoint behind step 4, and has one update.
      const rollouts = await readRolloutFile(rolloutPath(whole, 5));
      const rows = Array.from({ length: 16 }, (_, row) => rollouts.viewRow(row));
      const engine = await openEngine({ engine: "auto", threads: 1 });
      const after = await values(
        engine,
        join(whole, "checkpoints", "step-000004"),
        rows.map(({ promptTokens, responseTokens }) => Int32Array.from([...promptTokens, ...responseTokens])),
      );
      await engine.close();
      const before = rows.flatMap(({ promptTokens }, row) => [...after[row]!.subarray(promptTokens.length - 1, -1)]);
      const { offsets } = rollouts.viewPerToken("response_tokens");
      const tokenRewards = outcomeTokenRewards({ rewards: rollouts.viewPerRow("reward"), offsets });
      const { advantages, returns } = gaeAdvantages({ tokenRewards, values: before, offsets, gamma: 0.99, lambda: 0.9 });
      const step = metrics[4]!;
      const mean = (list: ArrayLike<number>): number => Array.from(list).reduce((sum, value) => sum + value, 0) / list.length;
      expectClose(
        [step["critic/values/mean"]!, step["critic/values/max"]!, step["critic/returns/mean"]!, step["critic/returns/min"]!],
        [mean(before), Math.max(...before), mean(returns), Math.min(...returns)],
        { atol: 1e-5 },
      );
      expectClose([step["critic/vf_explained_var"]!], [explainedVariance({ returns, values: before, offsets })], {
        rtol: 1e-3,
        atol: 1e-4,
      });
      expectClose([step["critic/vpred_mean"]!, step["critic/vf_clipfrac"]!], [mean(before), 0], { atol: 1e-5 });
      expectClose([step["critic/vf_loss"]!], [mean(before.map((value, token) => (value - returns[token]!) ** 2 / 2))], { rtol: 1e-3 });
      rows.forEach((_, row) =>
        expectClose([rollouts.viewPerRow("advantage")[row]!], [mean(advantages.slice(offsets[row], offsets[row + 1]))], { atol: 1e-4 }),
      );
    });

    test("killed in its warm-up and after, it comes out as if it had not been", async () => {
      const run = join(scratch, `${backbone}-killed`);
      const [first, ...later] = moments;
      const killed = await startLongcot(["train", ...flags(run)], { stopAt: { moment: first!, signal: "SIGKILL" } }).done;
      expect(killed.signal).toBe("SIGKILL");
      for (const moment of later) {
        const again = await startLongcot(["train", "--resume", "--run", run, "--json"], { stopAt: { moment, signal: "SIGKILL" } }).done;
        expect(again.signal).toBe("SIGKILL");
      }
      expect(await runLongcot("train", "--resume", "--run", run, "--json")).toMatchObject({ code: 0, stderr: "" });
      expect(readOutcome(run)).toEqual(readOutcome(whole));
    });
  },
);
