// Judges vote on whether a math problem is fit to train on: clear, complete, well formatted, free of what does not belong to it.
import type { ModelServer, Question } from "@longcot/model-server";
import { ConfigError } from "@longcot/errors";
import type { Drop } from "../store/problem-store.ts";
import { forEachProblem, type FilterStep } from "./filter-step.ts";

export interface VoteOptions {
  /** One per judge model. */
  readonly judges: readonly ModelServer[];
  /** Votes of each judge on each problem. Default 16. */
  readonly votes?: number;
  /** Fewest valid votes, of all judges together, with which a problem stays. Default 9. */
  readonly keep?: number;
  /** Default 1. */
  readonly temperature?: number;
  /** Most tokens of a vote. Default 1024. */
  readonly maxTokens?: number;
  /** What a judge is asked; `{problem}` stands for the statement. Default {@link VOTE_PROMPT}. */
  readonly prompt?: string;
}

/** Asks for defects by four criteria, then for one word. Ours: the paper's prompts are not published. */
export const VOTE_PROMPT = `You check problems before a model is trained on them. Look at the problem below, do not solve it.

Criteria:
1. Clarity: it can be understood in one way only.
2. Completeness: everything needed is there, such as all conditions, answer choices, figures and tables that it speaks of.
3. Formatting: formulas and text can be read; nothing is cut off, garbled or there twice.
4. Relevance: it is one problem with a definite answer, without remarks of translators, hints, solutions or advertisements.

<problem>
{problem}
</problem>

List the defects that you find, one a line, or "none". Then write on a line of its own either
Verdict: valid
or
Verdict: invalid`;

/** The verdict of a judge's answer; undefined where it gives none. The last one counts. */
export function readVerdict(text: string): "valid" | "invalid" | undefined {
  const verdict = [...text.matchAll(/verdict\W{0,6}(valid|invalid)\b/gi)].at(-1)?.[1];
  return verdict?.toLowerCase() as "valid" | "invalid" | undefined;
}

/** Problems that are voted on together. */
const BATCH = 256;

/**
 * Drops math problems with fewer than `keep` valid votes. A vote without a verdict is not a valid one, and is counted. Answers are in the judges'
 * stores: none is paid for twice. Source: arXiv 2505.22312 §6.3 (two judges, 16 votes each, at least 9 of 32).
 * @throws ConfigError without a judge, or where `keep` exceeds the votes.
 */
export function voteQuality(options: VoteOptions): FilterStep {
  const { judges, votes = 16, keep = 9, temperature = 1, maxTokens = 1024, prompt = VOTE_PROMPT } = options;
  const who = "voteQuality";
  if (judges.length === 0) throw new ConfigError({ who, argument: "judges", expected: "at least one", received: "none" });
  if (!(keep >= 1 && keep <= votes * judges.length))
    throw new ConfigError({ who, argument: "keep", expected: `from 1 to the ${votes * judges.length} votes`, received: String(keep) });
  if (!prompt.includes("{problem}"))
    throw new ConfigError({ who, argument: "prompt", expected: "text with {problem} in it", received: prompt.slice(0, 60) });
  return {
    name: "votes",
    options: { judges: judges.map(({ model }) => model), votes, keep, temperature, maxTokens, prompt },
    async run(context) {
      const problems: { row: number; statement: string }[] = [];
      await forEachProblem(context, "votes", ["row", "ability", "statement"], ({ row, ability, statement }) => {
        if (ability === "math") problems.push({ row, statement: statement! });
      });
      const dropped: Drop[] = [];
      const histogram = Array<number>(votes * judges.length + 1).fill(0);
      let withoutVerdict = 0;
      for (let start = 0; start < problems.length; start += BATCH) {
        const batch = problems.slice(start, start + BATCH);
        const questions = batch.flatMap(({ statement }) => Array.from({ length: votes }, (_, sample) => question(statement, sample)));
        const answers = await Promise.all(
          judges.map((judge, j) =>
            judge.askAll(questions, {
              ...(context.signal === undefined ? {} : { signal: context.signal }),
              onProgress: ({ done }) =>
                j === 0 && context.onProgress?.({ phase: "votes", done: start + Math.floor(done / votes), total: problems.length }),
            }),
          ),
        );
        for (const [i, { row }] of batch.entries()) {
          const verdicts = answers.flatMap((texts) => texts.slice(i * votes, (i + 1) * votes).map(({ text }) => readVerdict(text)));
          const valid = verdicts.filter((verdict) => verdict === "valid").length;
          withoutVerdict += verdicts.filter((verdict) => verdict === undefined).length;
          histogram[valid]!++;
          if (valid < keep)
            dropped.push({ row, kind: "low-quality", detail: `${valid} of ${verdicts.length} votes valid, at least ${keep}` });
        }
      }
      return { dropped, facts: { valid_votes: histogram, votes_without_verdict: withoutVerdict } };
    },
  };

  function question(statement: string, sample: number): Question {
    return {
      messages: [{ role: "user", content: prompt.replace("{problem}", () => statement) }],
      sampling: { temperature, maxTokens, seed: sample },
      sample,
    };
  }
}
