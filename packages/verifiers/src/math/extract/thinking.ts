// The part of a response that may hold its answer.
import type { MathPolicy } from "../policy.ts";

const THINK_OPEN = "<think>";
const THINK_CLOSE = "</think>";

/** The part of `response` outside its reasoning, or undefined while the reasoning is still open. */
export function textAfterThinking(response: string, thinking: MathPolicy["thinking"]): string | undefined {
  if (thinking === "ignored") return response;
  const close = response.lastIndexOf(THINK_CLOSE);
  if (close < 0 && thinking === "required") return undefined;
  const visible = close < 0 ? response : response.slice(close + THINK_CLOSE.length);
  return visible.includes(THINK_OPEN) ? undefined : visible;
}
