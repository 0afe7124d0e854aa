// Answers in words, and letters of multiple choice.
import type { Expression } from "../syntax/expression.ts";

/** Words without case, articles, punctuation and spacing. */
export function normalWords(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s]/gu, " ")
    .replaceAll(/\b(?:the|a|an)\s+/g, " ")
    .replaceAll(/\s+/g, " ")
    .trim();
}

/** The words that an expression may be read as: text itself, and letters side by side (`yes` is y·e·s). */
export function wordsOf(expression: Expression): string | undefined {
  switch (expression.kind) {
    case "text":
      return normalWords(expression.text);
    case "symbol":
      return /^[A-Za-z]+$/.test(expression.name) ? expression.name.toLowerCase() : undefined;
    case "constant":
      return expression.name === "e" || expression.name === "i" ? expression.name : undefined;
    case "product": {
      const letters = expression.factors.map(wordsOf);
      return letters.includes(undefined) ? undefined : letters.join("");
    }
    case "apply": {
      // A capital before a parenthesis in running text.
      return undefined;
    }
    default:
      return undefined;
  }
}

/** Whether one lists the choices that the other writes side by side: `A, C` and `AC`. */
export function choicesAgree(a: Expression, b: Expression): boolean {
  if ((a.kind === "list") === (b.kind === "list")) return false;
  const [list, product] = a.kind === "list" ? [a.items, b] : [(b as Extract<Expression, { kind: "list" }>).items, a];
  const written = product.kind === "product" ? product.factors.map(choiceLetter) : product.kind === "text" ? product.text.split("") : [];
  const [one, other] = [list.map(choiceLetter), written].map((letters) => {
    const areChoices = letters.length > 1 && letters.every((letter) => letter !== undefined && /^[A-J]$/.test(letter));
    return areChoices ? letters.toSorted((x, y) => (x! < y! ? -1 : 1)).join("") : undefined;
  });
  return one !== undefined && one === other;
}

const CHOICE = /^\(?([A-Z])\)?[.:]?$/i;
const NAMED_CHOICE = /^(?:option|choice|answer|statement)\s*\(?([A-Z])\)?\.?$/i;

/** The letter of a multiple-choice answer, upper case, if `expression` is nothing but one. */
export function choiceLetter(expression: Expression): string | undefined {
  if (expression.kind === "labelled") return expression.label;
  if (expression.kind === "symbol") return CHOICE.exec(expression.name)?.[1]!.toUpperCase();
  if (expression.kind === "constant" && (expression.name === "e" || expression.name === "i")) return expression.name.toUpperCase();
  if (expression.kind !== "text") return undefined;
  return (CHOICE.exec(expression.text) ?? NAMED_CHOICE.exec(expression.text))?.[1]!.toUpperCase();
}
