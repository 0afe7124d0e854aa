// The families of problems. A new one is one entry: how it is asked, worked and answered.

/** Difficulty of a problem: the number of digits of both operands. */
export type Level = 1 | 2 | 3 | 4;

export const LEVELS = [1, 2, 3, 4] as const satisfies readonly Level[];

/** A commutative operation on two non-negative integers of the same number of digits. */
export interface Operation {
  /** The question, such as `47+85`. */
  ask(a: number, b: number): string;
  /** The worked steps, such as `7+5+0=12;4+8+1=13;`. */
  work(a: number, b: number): string;
  answer(a: number, b: number): number;
}

/** By name, as recipes and `data_source` say it. */
export const OPERATIONS = {
  addition: { ask: (a, b) => `${a}+${b}`, work: additionSteps, answer: (a, b) => a + b },
} as const satisfies Record<string, Operation>;

export type OperationName = keyof typeof OPERATIONS;

/** Column sums from the least significant digit: digit + digit + carry = sum; the sum's tens are the next carry. */
function additionSteps(a: number, b: number): string {
  const left = Array.from(String(a), Number).toReversed();
  const right = Array.from(String(b), Number).toReversed();
  let carry = 0;
  let steps = "";
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const sum = (left[i] ?? 0) + (right[i] ?? 0) + carry;
    steps += `${left[i] ?? 0}+${right[i] ?? 0}+${carry}=${sum};`;
    carry = Math.floor(sum / 10);
  }
  return steps;
}
