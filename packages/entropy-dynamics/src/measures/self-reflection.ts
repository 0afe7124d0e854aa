// Self-reflection in the text of a response: words by which a chain of thought checks itself or turns another way.

/** What a phrase is a sign of. */
export type ReflectionKind = "check" | "turn";

/**
 * English phrases, as whole words, in any case. `check`: looking again at what was said; `turn`: trying something else.
 * Any such list counts words and not thoughts: compare rates within a language and a model family only.
 */
export const reflectionPhrases: Readonly<Record<ReflectionKind, readonly string[]>> = {
  check: [
    "wait",
    "hold on",
    "let me check",
    "let me double-check",
    "double check",
    "double-check",
    "recheck",
    "re-check",
    "let me verify",
    "to verify",
    "check again",
    "let me see again",
    "is that right",
    "am i sure",
    "i made a mistake",
    "that's wrong",
    "that is wrong",
    "not right",
  ],
  turn: [
    "alternatively",
    "another way",
    "another approach",
    "a different approach",
    "instead, let",
    "let me try",
    "let's try",
    "try again",
    "on second thought",
    "let me reconsider",
    "start over",
    "rethink",
  ],
};

export interface ReflectionRates {
  /** Share of responses with at least one phrase of the kind. */
  readonly responses: Readonly<Record<ReflectionKind, number>>;
  /** Phrases per 1000 words, all responses together; 0 when there is no word. */
  readonly perThousandWords: Readonly<Record<ReflectionKind, number>>;
}

/** Returns how often `texts` reflect; `undefined` without texts. */
export function reflectionRates(
  texts: readonly string[],
  phrases: Readonly<Record<ReflectionKind, readonly string[]>> = reflectionPhrases,
): ReflectionRates | undefined {
  if (texts.length === 0) return undefined;
  const words = texts.reduce((sum, text) => sum + (text.match(/\S+/g)?.length ?? 0), 0);
  const count = (kind: ReflectionKind) => {
    const pattern = new RegExp(`(?<![\\p{L}\\p{N}])(?:${phrases[kind].map(escape).join("|")})(?![\\p{L}\\p{N}])`, "giu");
    const hits = texts.map((text) => text.match(pattern)?.length ?? 0);
    return {
      share: hits.filter((hit) => hit > 0).length / texts.length,
      rate: words === 0 ? 0 : (1000 * hits.reduce((sum, hit) => sum + hit, 0)) / words,
    };
  };
  const [check, turn] = [count("check"), count("turn")];
  return { responses: { check: check.share, turn: turn.share }, perThousandWords: { check: check.rate, turn: turn.rate } };
}

const escape = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
