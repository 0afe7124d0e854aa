// Whether an answer says what another one to the same problem says already.

/** Words of a shingle. */
const SHINGLE = 3;

/** A set that takes answers unlike those in it. */
export interface AnswerSet {
  /** Adds `text` unless it is like one that is in; whether it was added. */
  add(text: string): boolean;
}

/**
 * Two texts are alike where they are equal up to white space, or the Jaccard similarity of their runs of three words is at least `threshold`.
 * Letters and digits make words; every other character is one.
 */
export function createAnswerSet(threshold: number): AnswerSet {
  const members: { text: string; shingles: ReadonlySet<string> }[] = [];
  return {
    add(raw) {
      const text = raw.replace(/\s+/g, " ").trim();
      const shingles = shinglesOf(text);
      if (members.some((member) => member.text === text || jaccard(member.shingles, shingles) >= threshold)) return false;
      members.push({ text, shingles });
      return true;
    },
  };
}

function shinglesOf(text: string): Set<string> {
  const words = text.match(/[\p{L}\p{N}]+|[^\p{L}\p{N}\s]/gu) ?? [];
  if (words.length < SHINGLE) return new Set([words.join(" ")]);
  return new Set(Array.from({ length: words.length - SHINGLE + 1 }, (_, i) => words.slice(i, i + SHINGLE).join(" ")));
}

function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let shared = 0;
  for (const item of a) if (b.has(item)) shared++;
  return shared / (a.size + b.size - shared);
}
