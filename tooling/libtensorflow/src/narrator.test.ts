import { expect, test } from "vitest";
import { createNarrator, progressText } from "./narrator.ts";

test("progress states bytes, share, speed and what is left", () => {
  expect(progressText("download", 50e6, 200e6, 5e6)).toBe("download 50 of 200 MB, 25 %, 5.0 MB/s, 30 s left");
  expect(progressText("download", 0, 200e6, 0)).toBe("download 0 of 200 MB, 0 %");
  expect(progressText("download", 210e6, 200e6, 21e6)).toContain("100 %, 21.0 MB/s, 0 s left");
});

test("a terminal gets one moving line, wiped before the next sentence; CI gets none in the first seconds", () => {
  const written: string[] = [];
  const terminal = { isTTY: true, write: (text: string) => written.push(text) };
  const live = createNarrator(terminal, false);
  live.progress("download", 1e6, 4e6);
  live.progress("download", 2e6, 4e6);
  live.say("done");
  expect(written).toHaveLength(3);
  expect(written[0]).toContain(`\r\u001B[K██████${"░".repeat(18)} download 1 of 4 MB, 25 %`);
  expect(written.slice(1)).toEqual(["\r\u001B[K", "libtensorflow: done\n"]);

  written.length = 0;
  const log = createNarrator(terminal, true);
  log.progress("download", 1e6, 4e6);
  log.say("done");
  expect(written).toEqual(["libtensorflow: done\n"]);
});
