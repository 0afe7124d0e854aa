// The parser's cursor over tokens, with its budgets, and the grammar's entry points that the rules call on one another.
import { MAX_EXPRESSION_DEPTH, MAX_EXPRESSION_NODES } from "../limits.ts";
import { integer } from "./expression.ts";
import type { Expression } from "./expression.ts";
import type { Token } from "./tokens.ts";

/** Thrown, and caught by `parseAnswer`, where tokens spell nothing. No stack: hostile input fails often and must fail fast. */
export class NotReadable extends Error {
  constructor() {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super("not readable");
    Error.stackTraceLimit = limit;
  }
}

/** Rules of the grammar that others refer to; `parse-answer.ts` ties them together. */
export interface Rules {
  /** A whole list of relations, to a closing token or the end. */
  list(g: Grammar): Expression;
  /** One item of a list: relation, set expression, text or quantity. */
  item(g: Grammar): Expression;
  sum(g: Grammar): Expression;
  /** Factors side by side, without an operator. */
  factors(g: Grammar): Expression;
  /** One factor with its powers and other suffixes. */
  factor(g: Grammar): Expression;
  /** One factor without them. */
  atom(g: Grammar): Expression;
}

export class Grammar {
  readonly rules: Rules;
  readonly #tokens: readonly Token[];
  #at = 0;
  /** Digits of the number at the cursor that `\\frac12` has taken already. */
  #digitsRead = 0;
  #depth = 0;
  #nodes = 0;
  /** Open bars of absolute values at this level of brackets. */
  bars = 0;
  /** Position of the token that ends the run of factors being read, such as an integral's `dx`. */
  stopAt = -1;
  /** Whether `[` closes the interval being read, as in `[0, 1[`. */
  bracketCloses = false;
  /** Index variables in scope: there `i` is one of them and not the imaginary unit. */
  readonly bound = new Set<string>();
  /** Whether a bar or colon here separates a set's element from its conditions. */
  inSet = false;

  constructor(tokens: readonly Token[], rules: Rules) {
    this.#tokens = tokens;
    this.rules = rules;
  }

  get position(): number {
    return this.#at;
  }

  get done(): boolean {
    return this.#at >= this.#tokens.length;
  }

  peek(ahead = 0): Token | undefined {
    const token = this.#tokens[this.#at + ahead];
    if (ahead > 0 || this.#digitsRead === 0 || token === undefined) return token;
    return { ...token, value: token.value.slice(this.#digitsRead), spaced: false };
  }

  /** Whether the token `ahead` is the symbol or command `value`. */
  is(value: string, ahead = 0): boolean {
    const token = this.#tokens[this.#at + ahead];
    return token !== undefined && token.value === value && token.kind !== "text";
  }

  accept(value: string): boolean {
    if (!this.is(value)) return false;
    this.#at++;
    return true;
  }

  expect(value: string): void {
    if (!this.accept(value)) this.fail();
  }

  next(): Token {
    const token = this.peek();
    if (token === undefined) this.fail();
    this.#at++;
    this.#digitsRead = 0;
    if (++this.#nodes > MAX_EXPRESSION_NODES) this.fail();
    return token;
  }

  /** Runs `rule` one level deeper, with bars and set separators of the level above out of sight. */
  nested<T>(rule: () => T, inSet = false): T {
    if (++this.#depth > MAX_EXPRESSION_DEPTH) this.fail();
    const { bars, inSet: outer } = this;
    this.bars = 0;
    this.inSet = inSet;
    const result = rule();
    this.bars = bars;
    this.inSet = outer;
    this.#depth--;
    return result;
  }

  /** What `rule` reads, or undefined with the cursor where it was. */
  attempt<T>(rule: () => T): T | undefined {
    const { bars, inSet } = this;
    const at = this.#at;
    const digitsRead = this.#digitsRead;
    const depth = this.#depth;
    try {
      return rule();
    } catch (error) {
      if (!(error instanceof NotReadable)) throw error;
      this.#at = at;
      this.#digitsRead = digitsRead;
      this.#depth = depth;
      this.bars = bars;
      this.inSet = inSet;
      return undefined;
    }
  }

  fail(): never {
    throw new NotReadable();
  }

  /** A braced group, or the one token that LaTeX takes as an argument: of a number all its digits, or with `oneDigit` the first. */
  argument(oneDigit = false): Expression {
    if (this.accept("{")) return this.closed("}");
    const token = this.peek();
    if (token === undefined) this.fail();
    if (oneDigit && token.kind === "number" && /^\d\d/.test(token.value)) {
      this.#digitsRead++;
      return integer(BigInt(token.value[0]!));
    }
    return this.nested(() => this.rules.atom(this));
  }

  /** The rest of a group whose opening token has been read. */
  closed(close: string): Expression {
    return this.nested(() => {
      const content = this.rules.list(this);
      this.expect(close);
      return content;
    });
  }
}
