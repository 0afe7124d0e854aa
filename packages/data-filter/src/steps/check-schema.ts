// Every row must be a problem that can be asked and graded: what is wrong is named by kind, what can be mended is.
import { isRecord } from "../row-fields.ts";
import type { Drop, Repair, StoredProblem } from "../store/problem-store.ts";
import { checkCodeTests } from "./code-ground-truth.ts";
import { forEachProblem, type FilterStep, type StepContext } from "./filter-step.ts";
import { checkMathAnswer } from "./math-ground-truth.ts";

/** Why a problem cannot stay as it is; `kind` is its name in reports. */
export interface Fault {
  readonly kind: string;
  readonly detail: string;
  /** The ground truth that mends it; absent: the problem goes. */
  readonly groundTruth?: string;
}

/** What all rows together say about the data, and a single row must then follow. */
export interface DataFacts {
  /** Most math ground truths are JSON lists. */
  readonly answersAreLists: boolean;
  /** Rows have extra_info. */
  readonly hasExtraInfo: boolean;
  /** Models that `extra_info.model_difficulty` speaks of. */
  readonly difficultyModels: readonly string[];
}

export interface SchemaOptions {
  /** N: rollouts that `extra_info.model_difficulty` counts the failures of. Default 16. */
  readonly rollouts?: number;
}

/** Part of the math rows whose ground truth must be a JSON list for another form to count as a fault. */
const MOST = 0.9;
/** A character that is neither blank nor of no width. */
const VISIBLE = /[^\s\p{Z}\p{C}]/u;
const ROLES = ["system", "user", "assistant"];

const SAMPLE_ROWS = 10_000;

/** Drops rows that are no problem in verl's schema. Kinds: see the package's README. */
export function checkSchema({ rollouts = 16 }: SchemaOptions = {}): FilterStep {
  return {
    name: "schema",
    options: { rollouts },
    async run(context) {
      const facts = await dataFacts(context);
      const dropped: Drop[] = [];
      const repaired: Repair[] = [];
      await forEachProblem(
        context,
        "schema",
        ["row", "dataSource", "prompt", "ability", "groundTruth", "extraInfo", "lacksRewardModel"],
        (problem) => {
          const fault = promptFault(problem) ?? sourceFault(problem) ?? extraInfoFault(problem, facts, rollouts);
          const found = fault ?? groundTruthFault(problem, facts);
          if (found !== undefined) (found.groundTruth === undefined ? dropped : repaired).push({ row: problem.row, ...found });
        },
      );
      return { dropped, repaired, facts: { ...facts } };
    },
  };
}

async function dataFacts(context: StepContext): Promise<DataFacts> {
  const [[math, lists, extra]] = (await context.query(
    `SELECT count(*) FILTER (ability = 'math' AND ground_truth IS NOT NULL)::INTEGER,
            count(*) FILTER (ability = 'math' AND trim(ground_truth) LIKE '[%]')::INTEGER, count(extra_info)::INTEGER FROM kept`,
  )) as [[number, number, number]];
  const models = (await context.query(
    `SELECT DISTINCT unnest(json_keys(extra_info, '$.model_difficulty')) AS model
     FROM (SELECT extra_info FROM kept WHERE json_type(extra_info, '$.model_difficulty') = 'OBJECT' LIMIT ${SAMPLE_ROWS}) ORDER BY model`,
  )) as [string][];
  return { answersAreLists: math > 0 && lists >= MOST * math, hasExtraInfo: extra > 0, difficultyModels: models.map(([model]) => model) };
}

function promptFault({ prompt }: Pick<StoredProblem, "prompt">): Fault | undefined {
  if (prompt === null) return { kind: "null-prompt", detail: "prompt is null" };
  const messages: unknown = JSON.parse(prompt);
  if (!Array.isArray(messages)) return { kind: "bad-prompt", detail: `prompt is no list of messages: ${prompt.slice(0, 60)}` };
  if (messages.length === 0) return { kind: "no-messages", detail: "prompt is an empty list" };
  for (const [i, message] of messages.entries()) {
    if (!isRecord(message)) return { kind: "bad-prompt", detail: `message ${i} is no {role, content}` };
    const { role, content } = message;
    if (typeof role !== "string" || !ROLES.includes(role))
      return { kind: "bad-role", detail: `role of message ${i} is ${JSON.stringify(role) ?? "absent"}, not ${ROLES.join(", ")}` };
    if (typeof content !== "string" && content !== null && content !== undefined)
      return { kind: "bad-prompt", detail: `content of message ${i} is no text: ${JSON.stringify(content).slice(0, 60)}` };
    if (typeof content !== "string" || !VISIBLE.test(content)) return { kind: "empty-prompt", detail: `content of message ${i} is blank` };
  }
  const last = (messages.at(-1) as { role: string }).role;
  return last === "user" ? undefined : { kind: "last-message-not-user", detail: `the last message is the ${last}'s` };
}

function sourceFault({ dataSource, ability }: Pick<StoredProblem, "dataSource" | "ability">): Fault | undefined {
  if (dataSource === null) return { kind: "data-source-null", detail: "data_source is null" };
  if (dataSource.trim() === "") return { kind: "data-source-blank", detail: "data_source is blank" };
  if (ability === null) return { kind: "ability-null", detail: "ability is null" };
  if (ability !== "math" && ability !== "code")
    return { kind: "ability-unknown", detail: `ability is ${JSON.stringify(ability)}, not math or code` };
  return undefined;
}

function extraInfoFault({ extraInfo }: Pick<StoredProblem, "extraInfo">, facts: DataFacts, rollouts: number): Fault | undefined {
  if (extraInfo === null)
    return facts.hasExtraInfo ? { kind: "extra-info-null", detail: "extra_info is null, in other rows it is not" } : undefined;
  const info: unknown = JSON.parse(extraInfo);
  if (!isRecord(info)) return { kind: "extra-info-malformed", detail: `extra_info is no object: ${extraInfo.slice(0, 60)}` };
  if (facts.difficultyModels.length === 0) return undefined;
  const difficulty = info["model_difficulty"];
  if (!isRecord(difficulty)) return { kind: "difficulty-null", detail: "model_difficulty is null, in other rows it is not" };
  for (const model of facts.difficultyModels) {
    const failed = difficulty[model];
    if (failed === null || failed === undefined) return { kind: "difficulty-null-one-model", detail: `model_difficulty lacks ${model}` };
    if (!Number.isInteger(failed) || (failed as number) < 0 || (failed as number) > rollouts)
      return { kind: "difficulty-out-of-range", detail: `${model} failed ${JSON.stringify(failed)} of ${rollouts} rollouts` };
  }
  return undefined;
}

function groundTruthFault(
  { groundTruth, ability, lacksRewardModel }: Pick<StoredProblem, "groundTruth" | "ability" | "lacksRewardModel">,
  facts: DataFacts,
): Fault | undefined {
  if (lacksRewardModel) return { kind: "reward-model-null", detail: "reward_model is null" };
  if (groundTruth === null) return { kind: "ground-truth-null", detail: "the ground truth is null" };
  if (groundTruth.trim() === "") return { kind: "ground-truth-blank", detail: "the ground truth is blank" };
  return ability === "code" ? checkCodeTests(groundTruth) : checkMathAnswer(groundTruth, facts.answersAreLists);
}
