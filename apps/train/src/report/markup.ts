// HTML as strings: interpolated text is escaped, markup is passed only when it is marked as such.

/** A string that is HTML already. */
export class Markup {
  readonly html: string;
  constructor(html: string) {
    this.html = html;
  }
}

type Part = string | number | Markup | readonly Part[];

/** html`<p>${text}</p>`: text is escaped, {@link Markup} and lists of it are not. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Markup {
  return new Markup(strings.map((string, i) => string + (i < parts.length ? render(parts[i]!) : "")).join(""));
}

/** Marks a string that this program made (an SVG, a style sheet) as HTML. */
export function trustedMarkup(source: string): Markup {
  return new Markup(source);
}

export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;").replaceAll("'", "&#39;");
}

function render(part: Part): string {
  if (part instanceof Markup) return part.html;
  if (typeof part === "object") return part.map(render).join("");
  return escapeHtml(String(part));
}
