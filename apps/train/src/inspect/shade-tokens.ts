// Text with a colour behind each token that says how unlikely it was, or how undecided the policy was.
import { withoutControls } from "./token-texts.ts";
import type { TokenText } from "./token-texts.ts";

const ESC = "\u001b[";
const RESET = `${ESC}0m`;
/** Backgrounds of the 256-colour palette from pale to red, under black text; the first step has none. */
const STEPS = [
  { below: 0.1, background: undefined },
  { below: 0.5, background: 230 },
  { below: 1, background: 223 },
  { below: 2, background: 216 },
  { below: 4, background: 209 },
  { below: Infinity, background: 203 },
] as const;

/** What the colours mean, in those colours. */
export function shadeLegend(shade: "log-prob" | "entropy"): string {
  const name = shade === "log-prob" ? "−log p" : "entropy";
  const steps = STEPS.map(({ below, background }, i) =>
    paint(below === Infinity ? ` ≥ ${STEPS[i - 1]!.below} ` : ` < ${below} `, background, false),
  );
  return `${name} in nats: ${steps.join("")}   ${paint("underlined", undefined, true)}: entropy in the step's top fifth`;
}

/** The pieces in colour. `values[i]` (nats, ≥ 0) shades token i; a piece of several tokens takes the largest. */
export function shadeTokens(pieces: readonly TokenText[], values: ArrayLike<number>, isUnderlined: (token: number) => boolean): string {
  return pieces
    .map(({ from, to, text }) => {
      let [value, underlined] = [0, false];
      for (let token = from; token < to; token++) {
        value = Math.max(value, values[token]!);
        underlined ||= isUnderlined(token);
      }
      const { background } = STEPS.find(({ below }) => value < below) ?? STEPS.at(-1)!;
      return withoutControls(text)
        .split("\n")
        .map((line, i, { length }) => paint(i < length - 1 ? `${line}⏎` : line, background, underlined))
        .join("\n");
    })
    .join("");
}

function paint(text: string, background: number | undefined, underlined: boolean): string {
  if (text === "" || (background === undefined && !underlined)) return text;
  const codes = [...(background === undefined ? [] : [`38;5;16;48;5;${background}`]), ...(underlined ? ["4"] : [])];
  return `${ESC}${codes.join(";")}m${text}${RESET}`;
}

/** The value that only a fifth of `values` reaches. */
export function topFifth(values: Float32Array<ArrayBufferLike>): number {
  if (values.length === 0) return Infinity;
  return Float32Array.from(values).toSorted()[Math.floor(values.length * 0.8)]!;
}
