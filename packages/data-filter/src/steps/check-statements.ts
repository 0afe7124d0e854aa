// Math problems that cannot be verified as they stand: nothing to compute, or a link, figure or choices that are not there.
import type { Drop } from "../store/problem-store.ts";
import { forEachProblem, type FilterStep } from "./filter-step.ts";
import type { Fault } from "./check-schema.ts";

const URL =
  /\bhttps?:\/\/\S|\bwww\.[a-z0-9-]+\.[a-z]{2,}|\b[a-z0-9-]+\.(?:com|org|net|edu|gov|io|be|ly|co|me|ai|app|dev|info|uk|de|fr|cn|ru|jp|eu|us)\/[a-z0-9_-]{2}/i;
const IMAGE = /<image(?:_\d+)?>|\[image\]|!\[[^\]]*\]\([^)]*\)|<img\b|\\includegraphics|\[asy\]|\\begin\{(?:tikzpicture|asy)\}/i;
/** A picture spoken of as being there. */
const FIGURE =
  /\b(?:(?:as |is |are )?(?:shown|pictured|depicted|illustrated|drawn|seen|given)\s+(?:in|on|by)\s+(?:the\s+)?(?:(?:following|adjacent|adjoining|accompanying|attached|given|above)\s+)?(?:figure|diagram|picture|image|drawing|sketch|illustration)|(?:in|from|see|refer to|consider|use|using)\s+(?:the\s+)?(?:(?:following|adjacent|adjoining|accompanying|attached|given|above)\s+)?(?:figure|diagram|picture|drawing|illustration)\b(?:\s+(?:below|above|shown))?|(?:figure|diagram|picture|image|drawing|sketch|illustration|chart|graph|plot|histogram|map)\s+(?:below|above|shown|at (?:the )?right|on the (?:left|right))|(?:figure|diagram|picture|grid)\s+is\s+(?:shaded|colou?red)|\bthe\s+(?:figure|diagram|picture|drawing|sketch|illustration)\s+(?:shows|depicts|illustrates)|\b(?:figure|diagram|graph|triangle|circle|square|rectangle|polygon|quadrilateral|pentagon|hexagon|shape|solid|spinner)\s+(?:that is\s+)?(?:shown|pictured|drawn)\s*[.?,]|\(see (?:the )?(?:figure|diagram|picture|drawing)\b|(?:graph|plot|curve|chart|map|grid|triangle|circle|square|rectangle|polygon|hexagon|shape|solid|spinner|dartboard)\b[^.?!\n]{0,80}\b(?:is|are|as)\s+(?:shown|pictured|drawn|depicted|plotted|graphed)\s+(?:below|above|here|at (?:the )?right|on the (?:left|right))(?!\s*[:\n]))/i;
/** A table spoken of as being there, and how one looks that is. */
const TABLE = /\b(?:table\s+(?:below|above|shown)|(?:shown|given)\s+in\s+the\s+(?:following\s+)?table)\b/i;
const TABLE_MARKUP = /\\begin\{(?:tabular|array)|\|[^|\n]*\||<t[dr]\b|\t/i;
/** A table in words has at least as many numbers. */
const TABLE_NUMBERS = 4;
const PROOF =
  /(?:^|[.:;,)]\s*|\b(?:and|then|also|please)\s+)(?:prove|show|demonstrate|verify|justify)\s+(?:(?:that|why|the|if|this|your)\b|[$]|\\[([])|(?:^|[.;]\s*)(?:prove|show)\s*:|\bprove or disprove\b|\bgive a (?:rigorous )?proof\b|\bestablish the (?:following )?(?:inequality|identity|equality|formula|theorem|statement)\b/i;
/** A question for a value: a statement with one is more than a proof. */
const ASKS_VALUE = /\?|\b(?:find|compute|calculate|determine|evaluate|what|how many|how much|solve|simplify)\b/i;
const CHOICE_QUESTION =
  /\bwhich (?:one )?of the (?:following|below|these|given)\b|\bchoose the (?:correct|best|right)\b|\bselect the (?:correct|best|right)\b|\bwhich of these\b|\bselect all (?:that apply|of the following)\b|\b(?:among|of|from) the (?:following |given )?(?:options|choices|alternatives)\b/i;
/** Two or more labelled choices: `(A) … (B) …`, `A. … B. …`, `\textbf{(A)}`. */
const CHOICES =
  /(?:\(|\{\(|\\text(?:bf|rm)?\{\(?|\b)a\s*[).:}].{0,400}?(?:\(|\{\(|\\text(?:bf|rm)?\{\(?|\b)b\s*[).:}]|(?:^|\n)\s*(?:1|i)[.)]\s.{0,400}?\n\s*(?:2|ii)[.)]\s|(?:^|\n)\s*[-*•]\s.{0,400}?\n\s*[-*•]\s/is;

/** The fault of a math statement, if it has one that a pattern can tell. */
export function statementFault(statement: string): Fault | undefined {
  if (URL.test(statement)) return { kind: "external-url", detail: `needs ${matched(URL, statement)}` };
  if (IMAGE.test(statement)) return { kind: "missing-figure", detail: `has a picture: ${matched(IMAGE, statement)}` };
  if (FIGURE.test(statement)) return { kind: "missing-figure", detail: `speaks of one: ${matched(FIGURE, statement)}` };
  if (TABLE.test(statement) && !TABLE_MARKUP.test(statement) && (statement.match(/\d+/g)?.length ?? 0) < TABLE_NUMBERS)
    return { kind: "missing-figure", detail: `speaks of a table: ${matched(TABLE, statement)}` };
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
          const fault = statementFault(statement!) ?? answerFault(statement!, groundTruth!);
          if (fault !== undefined) dropped.push({ row, ...fault });
        },
      );
      return { dropped };
    },
  };
}

function answerFault(statement: string, groundTruth: string): Fault | undefined {
  const letter = /^\s*(?:\[\s*")?\s*\(?([A-E])\)?\s*(?:"\s*\])?\s*$/.exec(groundTruth)?.[1];
  // A letter that the statement does not speak of names a choice.
  if (letter !== undefined && !CHOICES.test(statement) && !new RegExp(`(?<![A-Za-z])${letter}(?![A-Za-z])`).test(statement))
    return { kind: "missing-options", detail: `the answer is choice ${letter}, and there are no choices` };
  return /^\s*(?:\[\s*")?\s*proof\s*(?:"\s*\])?\s*$/i.test(groundTruth)
    ? { kind: "proof-problem", detail: "its ground truth says that it is a proof" }
    : undefined;
}
