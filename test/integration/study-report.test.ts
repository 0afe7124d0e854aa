// The committed study: its report comes out of its data again, byte for byte, and a browser draws all of it at every width and in both schemes.
import { cpSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { expect, test } from "vitest";
import { runLongcot } from "./longcot-process.ts";
import { scratchFolder } from "./scratch-folder.ts";

const COMMITTED = fileURLToPath(new URL("../../docs/studies/entropy-quick", import.meta.url));

test("the committed report comes out of its data again, byte for byte", async () => {
  const copy = join(scratchFolder(), "report");
  cpSync(join(COMMITTED, "data"), join(copy, "data"), { recursive: true });
  expect(await runLongcot("study", "--report", copy)).toMatchObject({ code: 0, stderr: "" });
  for (const file of ["index.html", ...readdirSync(join(COMMITTED, "data")).map((name) => join("data", name))])
    expect(readFileSync(join(copy, file)).equals(readFileSync(join(COMMITTED, file))), file).toBe(true);
});

/** A Chromium of the machine; none is downloaded. */
const browserPath = (process.env["PATH"] ?? "")
  .split(delimiter)
  .flatMap((folder) => ["chromium", "chromium-browser", "google-chrome"].map((name) => join(folder, name)))
  .find(existsSync);

test.skipIf(browserPath === undefined)(
  `in a browser: every figure drawn, nothing beyond the page, no console error${browserPath === undefined ? " (skipped: no chromium on the PATH)" : ""}`,
  async () => {
    const browser = await chromium.launch({ executablePath: browserPath!, args: ["--no-sandbox"] });
    try {
      for (const colorScheme of ["light", "dark"] as const) {
        for (const width of [400, 1200]) {
          const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
          const complaints: string[] = [];
          page.on("console", (message) => {
            if (message.type() === "error") complaints.push(message.text());
          });
          page.on("pageerror", (error) => complaints.push(error.message));
          page.on("request", (request) => {
            if (!request.url().startsWith("file:")) complaints.push(`asked for ${request.url()}`);
          });
          await page.goto(pathToFileURL(join(COMMITTED, "index.html")).href);
          const figures = await page.evaluate<DrawnFigure[]>(DRAWN);
          expect(complaints).toEqual([]);
          expect(figures.length).toBeGreaterThanOrEqual(13);
          for (const { id, width: drawn, height, marks, overflow } of figures) {
            expect(drawn, `${id} at ${width} px`).toBeGreaterThan(300);
            expect(height, id).toBeGreaterThan(80);
            expect(marks, `${id}: lines and dots`).toBeGreaterThan(0);
            expect(overflow, `${id}: pixels of text beyond the page at ${width} px`).toBeLessThanOrEqual(0);
          }
          expect(await page.evaluate("document.documentElement.scrollWidth"), "tables scroll in a box of their own").toBe(width);
          await page.close();
        }
      }
    } finally {
      await browser.close();
    }
  },
);

interface DrawnFigure {
  id: string;
  width: number;
  height: number;
  marks: number;
  overflow: number;
}

/** Runs in the page, whose DOM this project's types do not know: the figures with what is drawn in them. */
const DRAWN = `[...document.querySelectorAll("figure")].map((figure) => {
  const box = figure.querySelector("svg").getBoundingClientRect();
  const marks = [...figure.querySelectorAll("svg path, svg circle")].filter((mark) => mark.getBoundingClientRect().width + mark.getBoundingClientRect().height > 0);
  const ends = [...figure.querySelectorAll("svg text")].map((text) => text.getBoundingClientRect());
  const overflow = Math.max(...ends.map((end) => Math.max(end.right - innerWidth, -end.left)));
  return { id: figure.id, width: box.width, height: box.height, marks: marks.length, overflow };
})`;
