// Math problems that cannot be verified as they stand: nothing to compute, or a link, figure or choices that are not there.
import type { Drop } from "../store/problem-store.ts";
import { forEachProblem, type FilterStep } from "./filter-step.ts";
import type { Fault } from "./check-schema.ts";

const URL = /\bhttps?:\/\/\S|\bwww\.[a-z0-9-]+\.[a-z]{2,}/i;
const IMAGE = /!\[[^\]]*\]\([^)]*\)|<img\b|\\includegraphics|\[asy\]|\\begin\{(?:tikzpicture|asy)\}/i;
/** A picture spoken of as being there. */
const FIGURE =
  /\b(?:(?:as |is |are )?(?:shown|pictured|depicted|illustrated|drawn|seen|given)\s+(?:in|on|by)\s+(?:the\s+)?(?:(?:following|adjacent|accompanying|given|above)\s+)?(?:figure|diagram|picture|image|drawing|sketch|illustration)|(?:in|from|see|refer to|consider|use|using)\s+(?:the\s+)?(?:(?:following|adjacent|accompanying|given|above)\s+)?(?:figure|diagram|picture|drawing|illustration)\b(?:\s+(?:below|above|shown))?|(?:figure|diagram|picture|image|drawing)\s+(?:below|above|shown|at (?:the )?right|on the (?:left|right)))/i;
const PROOF =
  /(?:^|[.:;,)]\s*|\b(?:and|then|also|please)\s+)(?:prove|show|demonstrate|verify|justify)\s+(?:that|why|the|if|this|your)\b|\bprove or disprove\b|\bgive a proof\b/i;
/** A question for a value: a statement with one is more than a proof. */
const ASKS_VALUE = /\?|\b(?:find|compute|calculate|determine|evaluate|what|how many|how much|solve|simplify)\b/i;
const CHOICE_QUESTION =
  /\bwhich (?:one )?of the (?:following|below|these|given)\b|\bchoose the (?:correct|best|right)\b|\bselect the (?:correct|best|right)\b|\bwhich of these\b/i;
/** Two or more labelled choices: `(A) … (B) …`, `A. … B. …`, `\textbf{(A)}`. */
const CHOICES =
  /(?:\(|\{\(|\\text(?:bf|rm)?\{\(?|\b)a\s*[).:}].{0,400}?(?:\(|\{\(|\\text(?:bf|rm)?\{\(?|\b)b\s*[).:}]|(?:^|\n)\s*(?:1|i)[.)]\s.{0,400}?\n\s*(?:2|ii)[.)]\s|(?:^|\n)\s*[-*•]\s.{0,400}?\n\s*[-*•]\s/is;

/** The fault of a math statement, if it has one that a pattern can tell. */
export function statementFault(statement: string): Fault | undefined {
  if (URL.test(statement)) return { kind: "external-url", detail: `needs ${matched(URL, statement)}` };
  if (IMAGE.test(statement)) return { kind: "missing-figure", detail: `has a picture: ${matched(IMAGE, statement)}` };
  if (FIGURE.test(statement)) return { kind: "missing-figure", detail: `speaks of one: ${matched(FIGURE, statement)}` };
  if (PROOF.test(statement) && !ASKS_VALUE.test(statement.replace(PROOF, "")))
    return { kind: "proof-problem", detail: `asks for a proof: ${matched(PROOF, statement)}` };
  if (CHOICE_QUESTION.test(statement) && !CHOICES.test(statement))
    return { kind: "missing-options", detail: `${matched(CHOICE_QUESTION, statement)}, and no choices` };
  return undefined;
}

const matched = (pattern: RegExp, text: string): string => JSON.stringify(pattern.exec(text)![0].trim().slice(0, 80));

/** Drops math problems that are proofs, or lack a link's content, a figure or choices; and those whose answer says `proof`. */
export function checkStatements(): FilterStep {
  return {
    name: "statements",
    options: {},
    async run(context) {
      const dropped: Drop[] = [];
      await forEachProblem(
        context,
        "statements",
        ["row", "ability", "statement", "groundTruth"],
        ({ row, ability, statement, groundTruth }) => {
          if (ability !== "math") return;
          const fault = statementFault(statement!) ?? answerFault(groundTruth!);
          if (fault !== undefined) dropped.push({ row, ...fault });
        },
      );
      return { dropped };
    },
  };
}

function answerFault(groundTruth: string): Fault | undefined {
  return /^\s*(?:\[\s*")?\s*proof\s*(?:"\s*\])?\s*$/i.test(groundTruth)
    ? { kind: "proof-problem", detail: "its ground truth says that it is a proof" }
    : undefined;
}
