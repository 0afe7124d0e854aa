// What a policy trained on its answer alone likes to write behind it: cut off.

const OPEN = "\\boxed{";

/** `text` up to the end of its last `\boxed{…}`; all of it where there is none, or where it is not closed. */
export function cutAfterAnswer(text: string): string {
  const start = text.lastIndexOf(OPEN);
  if (start < 0) return text;
  let depth = 1;
  for (let at = start + OPEN.length; at < text.length; at++) {
    if (text[at] === "{") depth++;
    else if (text[at] === "}" && --depth === 0) return text.slice(0, at + 1);
  }
  return text;
}
