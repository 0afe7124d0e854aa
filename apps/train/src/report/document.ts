// The frame of every page that the program writes: one document, nothing from the network.
import { html, trustedMarkup } from "./markup.ts";
import type { Markup } from "./markup.ts";
import { PAGE_CSS } from "./style.ts";

/** The page as text; `css` is added to the reports' own style. */
export function renderDocument({ title, css = "" }: { title: string; css?: string }, body: Markup): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <style>
          ${trustedMarkup(PAGE_CSS + css)}
        </style>
      </head>
      <body>
        ${body}
      </body>
    </html> `.html;
}
