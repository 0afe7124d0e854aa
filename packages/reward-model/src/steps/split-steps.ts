// An answer as steps: what a process reward model judges one by one.
import { ConfigError } from "@longcot/errors";

/**
 * Returns the pieces of `text` between its separators: joined by `separator` they are `text` again. A blank piece is no step: it stays with the step
 * before it, or with the first one.
 *
 * @throws ConfigError on an empty separator.
 */
export function splitSteps(text: string, separator: string): string[] {
  if (separator === "")
    throw new ConfigError({ who: "splitSteps", argument: "separator", expected: "at least one character", received: '""' });
  const steps: string[] = [];
  let saysSomething = false;
  for (const piece of text.split(separator)) {
    const isBlank = piece.trim() === "";
    if (steps.length > 0 && (isBlank || !saysSomething)) steps.push(`${steps.pop()!}${separator}${piece}`);
    else {
      steps.push(piece);
      saysSomething = false;
    }
    saysSomething ||= !isBlank;
  }
  return steps;
}
