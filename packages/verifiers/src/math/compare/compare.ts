// Whether two parsed answers are equal: picks the comparator by the kinds of the two sides. Symmetric.
import { Budget } from "../budget.ts";
import type { MathPolicy } from "../policy.ts";
import type { Expression, ExpressionOf } from "../syntax/expression.ts";
import type { ParsedAnswer } from "../syntax/parse-answer.ts";
import { assignmentOf, chainValue } from "./assignment.ts";
import { collectionsEqual, isCollection } from "./collections.ts";
import { MAX_COMPARISON_DEPTH } from "./comparison.ts";
import type { Comparison, ComparisonRule } from "./comparison.ts";
import { congruencesEqual } from "./congruences.ts";
import { measuresEqual } from "./measures.ts";
import { foldMatrices, matricesEqual } from "./matrices.ts";
import { realSetOf, realSetsEqual } from "./real-sets.ts";
import { relationsEqual } from "./relations.ts";
import { foldCase } from "./fold-case.ts";
import { expandSigns } from "./rewrite.ts";
import { scalarsEqual } from "./scalars.ts";
import { sameStructure } from "./structure.ts";
import { choiceLetter, choicesAgree, wordsOf } from "./words.ts";

/** The verdict on two answers; `rule` is what decided. @throws BudgetSpent when deciding costs more than one verdict may. */
export function compareAnswers(
  a: ParsedAnswer,
  b: ParsedAnswer,
  policy: MathPolicy,
  budget = new Budget(),
): { equal: boolean; rule: ComparisonRule } {
  if (a.spelling === b.spelling) return { equal: true, rule: "spelling" };
  if (a.expression === undefined || b.expression === undefined) return { equal: false, rule: "spelling" };
  const c = new Comparator(policy, budget);
  const equal = c.equal(prepared(a.expression), prepared(b.expression));
  return { equal, rule: c.rule };
}

function prepared(expression: Expression): Expression {
  return foldMatrices(withSignsExpanded(expression));
}

/** ± at the top, in a relation or in a list gives more values to that list; in a tuple, more tuples. */
function withSignsExpanded(expression: Expression): Expression {
  if (expression.kind === "list" || expression.kind === "set") {
    const items = expression.items.flatMap((item) => {
      const expanded = withSignsExpanded(item);
      return expanded.kind === "list" ? expanded.items : [expanded];
    });
    return { ...expression, items };
  }
  const values = expandSigns(expression);
  return values.length === 1 ? values[0]! : { kind: "list", items: values };
}

class Comparator implements Comparison {
  readonly policy: MathPolicy;
  readonly budget: Budget;
  rule: ComparisonRule = "structure";
  #depth = 0;

  constructor(policy: MathPolicy, budget: Budget) {
    this.policy = policy;
    this.budget = budget;
  }

  equal(a: Expression, b: Expression): boolean {
    if (this.#depth >= MAX_COMPARISON_DEPTH) return false;
    this.#depth++;
    this.budget.spend(1);
    const equal = a === b || this.#equal(a, b);
    this.#depth--;
    return equal;
  }

  #equal(a: Expression, b: Expression): boolean {
    if (choicesAgree(a, b)) return this.#as("choice", true);
    if (a.kind === "labelled" || b.kind === "labelled") return this.#as("choice", this.#choicesEqual(a, b));
    const [residueA, residueB] = [residueOf(a), residueOf(b)];
    if ((residueA === undefined) !== (residueB === undefined)) return this.equal(residueA ?? a, residueB ?? b);
    if (isCongruence(a) && isCongruence(b)) return this.#as("equation", congruencesEqual(a, b, this));
    if (a.kind === "relation" || b.kind === "relation") return this.#relatedEqual(a, b);
    if (a.kind === "text" || b.kind === "text") return this.#as("text", this.#wordsEqual(a, b));
    if (a.kind === "matrix" || b.kind === "matrix") return this.#as("matrix", matricesEqual(a, b, this));
    if (isSetLike(a) || isSetLike(b)) return this.#setsEqual(a, b);
    const measured = measuresEqual(a, b, this);
    if (measured !== undefined) return measured;
    if (a.kind === "cases" || b.kind === "cases") return sameStructure(a, b, this);
    if (a.kind === "ratio" && b.kind === "ratio") return this.#ratiosEqual(a, b);
    return scalarsEqual(a, b, this) || this.#foldedEqual(a, b) || this.#spellSameWord(a, b);
  }

  #as(rule: ComparisonRule, equal: boolean): boolean {
    this.rule = rule;
    return equal;
  }

  #choicesEqual(a: Expression, b: Expression): boolean {
    const [letterA, letterB] = [choiceLetter(a), choiceLetter(b)];
    if (letterA !== undefined && letterB !== undefined) return letterA === letterB;
    if (a.kind === "labelled" && a.value !== undefined) return b.kind !== "labelled" && this.equal(a.value, b);
    if (b.kind === "labelled" && b.value !== undefined) return a.kind !== "labelled" && this.equal(a, b.value);
    return false;
  }

  #wordsEqual(a: Expression, b: Expression): boolean {
    const [letterA, letterB] = [choiceLetter(a), choiceLetter(b)];
    if (letterA !== undefined && letterA === letterB) return true;
    const [wordsA, wordsB] = [wordsOf(a), wordsOf(b)];
    return wordsA !== undefined && wordsA !== "" && wordsA === wordsB;
  }

  /** Relations with each other; with anything else by the value or the set that the relation gives. */
  #relatedEqual(a: Expression, b: Expression): boolean {
    if (a.kind === "relation" && b.kind === "relation") return relationsEqual(a, b, this);
    const [relation, other] = a.kind === "relation" ? [a, b] : [b as ExpressionOf<"relation">, a];
    const value = assignmentOf(relation)?.value ?? chainValue(relation);
    if (value !== undefined && this.equal(value, other)) return true;
    if (
      value !== undefined &&
      relation.operators.includes("~") &&
      chainValue(relation) !== undefined &&
      this.equal(relation.operands[0]!, other)
    )
      return true;
    if (other.kind === "list" && other.items.length === 1) return this.equal(relation, other.items[0]!);
    return this.#as("inequality", isSetLike(other) && this.#realSetsEqual(relation, other));
  }

  #setsEqual(a: Expression, b: Expression): boolean {
    const rule = a.kind === "bracket" && b.kind === "bracket" ? "tuple" : "set";
    if (isCollection(a) && isCollection(b) && collectionsEqual(a, b, this)) return this.#as(rule, true);
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      // One value, or one in several forms: 7/2 or 3.5.
      if (
        (one.kind === "list" || one.kind === "set") &&
        one.items.length > 0 &&
        !isSetLike(other) &&
        one.items.every((item) => this.equal(item, other))
      )
        return this.#as("set", true);
      if (one.kind === "list" && this.#withoutConditions(one, other)) return this.#as("set", true);
    }
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const)
      if (one.kind === "set" && one.items.length === 1 && other.kind === "bracket" && this.equal(one.items[0]!, other))
        return this.#as("set", true);
    if (!isSetLike(a) || !isSetLike(b)) return this.#as(rule, false);
    if (a.kind !== "list" && b.kind !== "list" && !isCollection(a) && sameStructure(a, b, this)) return this.#as("set", true);
    return this.#as(isCollection(a) && isCollection(b) ? rule : "interval", this.#realSetsEqual(a, b));
  }

  /** `2k\pi, k \in \mathbb{Z}` against `2k\pi`: membership in a number set is a remark, not an item. */
  #withoutConditions(list: ExpressionOf<"list">, other: Expression): boolean {
    const items = list.items.filter(
      (item) => !(item.kind === "relation" && item.operators.at(-1) === "in" && item.operands.at(-1)!.kind === "namedSet"),
    );
    if (items.length === list.items.length || items.length === 0) return false;
    return this.equal(items.length === 1 ? items[0]! : { kind: "list", items }, other);
  }

  #realSetsEqual(a: Expression, b: Expression): boolean {
    const [setA, setB] = [realSetOf(a, this), realSetOf(b, this)];
    return setA !== undefined && setB !== undefined && realSetsEqual(setA, setB, this);
  }

  /** Equal term by term up to one factor. */
  #ratiosEqual(a: ExpressionOf<"ratio">, b: ExpressionOf<"ratio">): boolean {
    if (a.items.length !== b.items.length) return false;
    // 3:00 is not 5:00, though either is proportional to the other.
    if ([...a.items, ...b.items].some(isZero)) return a.items.every((item, i) => this.equal(item, b.items[i]!));
    const product = (x: Expression, y: Expression): Expression => ({ kind: "product", factors: [x, y] });
    return a.items.every((item, i) => this.equal(product(item, b.items[0]!), product(b.items[i]!, a.items[0]!)));
  }

  /** Equal once capitals are written small, if that merges no two variables of one side. */
  #foldedEqual(a: Expression, b: Expression): boolean {
    if (this.policy.symbolCase === "exact") return false;
    const [foldedA, foldedB] = [foldCase(a), foldCase(b)];
    return foldedA !== undefined && foldedB !== undefined && (foldedA !== a || foldedB !== b) && scalarsEqual(foldedA, foldedB, this);
  }

  #spellSameWord(a: Expression, b: Expression): boolean {
    const words = wordsOf(a);
    return words !== undefined && words.length > 1 && words === wordsOf(b) && this.#as("text", true);
  }
}

function isCongruence(expression: Expression): expression is ExpressionOf<"apply"> {
  return expression.kind === "apply" && expression.name === "congruent";
}

/** The residue of `x \\equiv 3 \\pmod 5`. */
function residueOf(expression: Expression): Expression | undefined {
  return isCongruence(expression) ? expression.args[1] : undefined;
}

function isZero(expression: Expression): boolean {
  return expression.kind === "number" && expression.value.numerator === 0n;
}

function isSetLike(expression: Expression): boolean {
  return (
    isCollection(expression) || expression.kind === "namedSet" || expression.kind === "setOperation" || expression.kind === "setBuilder"
  );
}
