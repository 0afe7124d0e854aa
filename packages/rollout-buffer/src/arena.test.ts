import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { COLUMN_ALIGNMENT_BYTES, createArena, openArena, type ArenaRegion } from "./arena.ts";
import { PAGE_BYTES } from "./arena-pages.ts";

describe("createArena", () => {
  it("rounds the budget up to whole pages", () => {
    const arena = createArena({ budgetBytes: 100_000 });
    expect([arena.budgetBytes, arena.freeBytes]).toEqual([131_072, 131_072]);
    expect(arena.segments.map((segment) => segment.byteLength)).toEqual([131_072]);
    expect(arena.segments[0]).toBeInstanceOf(SharedArrayBuffer);
  });

  it("takes more than 4 GiB in several segments, and no memory until it is written", () => {
    const before = process.memoryUsage().rss;
    const arena = createArena({ budgetBytes: 20 * 2 ** 30 });
    expect(arena.segments.map((segment) => segment.byteLength / 2 ** 30)).toEqual([4, 4, 4, 4, 4]);
    const big = Array.from({ length: 5 }, (_, i) => ({ column: `c${i}`, byteLength: 3 * 2 ** 30 }));
    const region = arena.allocate(big);
    const views = region.spans.map(({ buffer, byteOffset }) => new Float32Array(buffer, byteOffset, (3 * 2 ** 30) / 4));
    views.forEach((view, i) => (view[view.length - 1] = i));
    expect(views.map((view) => view.at(-1))).toEqual([0, 1, 2, 3, 4]);
    expect(arena.freeBytes).toBe(5 * 2 ** 30);
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 2 ** 20);
  });

  it.each([0, -64, 1.5, Number.NaN, 2 ** 37 + 1])("refuses a budget of %s", (budgetBytes) => {
    expect(() => createArena({ budgetBytes })).toThrow(/createArena: budgetBytes must be a whole number from 1 to 137438953472, got/);
  });

  it("refuses segments that are too small or too large", () => {
    expect(() => createArena({ budgetBytes: 1, segmentBytes: 100 })).toThrow(
      /segmentBytes must be a whole number from 65536 to 4294967296/,
    );
  });
});

describe("Arena.allocate", () => {
  it("lays columns side by side at multiples of 64, and goes on in the next segment where one is full", () => {
    const arena = createArena({ budgetBytes: 4 * PAGE_BYTES, segmentBytes: 2 * PAGE_BYTES });
    const [a, b, c, d] = arena.allocate([
      { column: "a", byteLength: 1 },
      { column: "b", byteLength: 65 },
      { column: "c", byteLength: 64 },
      { column: "d", byteLength: 2 * PAGE_BYTES },
    ]).spans;
    expect([a, b, c].map((span) => [arena.segments.indexOf(span!.buffer), span!.byteOffset])).toEqual([
      [0, 0],
      [0, 64],
      [0, 192],
    ]);
    expect([arena.segments.indexOf(d!.buffer), d!.byteOffset]).toEqual([1, 0]);
    expect(arena.freeBytes).toBe(PAGE_BYTES);
  });

  it("names the column that would not fit and takes nothing", () => {
    const arena = createArena({ budgetBytes: 65_536 });
    const step = [
      { column: "prompt_id", byteLength: 100 },
      { column: "entropies", byteLength: 65_500 },
      { column: "reward", byteLength: 4 },
    ];
    expect(() => arena.allocate(step)).toThrow(
      "Arena.allocate: column entropies must be small enough for the arena (largest free piece 65536 of 65536 bytes), got 65500 bytes in a step of 65728. Raise budgetBytes",
    );
    expect(arena.freeBytes).toBe(65_536);
    const segmented = createArena({ budgetBytes: 2 * PAGE_BYTES, segmentBytes: PAGE_BYTES });
    expect(() => segmented.allocate(Array.from({ length: 3 }, (_, i) => ({ column: `c${i}`, byteLength: 40_000 })))).toThrow(
      /column c2 must be/,
    );
    expect(segmented.freeBytes).toBe(2 * PAGE_BYTES);
  });

  it("reuses a freed step and merges it with its free neighbours", () => {
    const arena = createArena({ budgetBytes: 3 * PAGE_BYTES });
    const take = (pages: number): ArenaRegion => arena.allocate([{ column: "x", byteLength: pages * PAGE_BYTES }]);
    const [first, second, third] = [take(1), take(1), take(1)];
    first.free();
    third.free();
    expect(() => take(2)).toThrow(/largest free piece 65536 of 196608/);
    second.free();
    expect(take(3).spans[0]!.byteOffset).toBe(0);
  });

  it("refuses a second free", () => {
    const region = createArena({ budgetBytes: 64 }).allocate([{ column: "x", byteLength: 1 }]);
    region.free();
    expect(() => region.free()).toThrow(/freed before/);
  });

  it("is the same arena wherever it is opened", () => {
    const arena = createArena({ budgetBytes: 2 * PAGE_BYTES });
    const other = openArena(structuredClone(arena.share()));
    other.allocate([{ column: "x", byteLength: PAGE_BYTES }]);
    expect(arena.freeBytes).toBe(PAGE_BYTES);
    expect(arena.allocate([{ column: "y", byteLength: 1 }]).spans[0]!.byteOffset).toBe(PAGE_BYTES);
  });

  it("never overlaps live regions and gets every byte back", () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 150_000 }), { minLength: 1, maxLength: 3 });
    const actions = fc.array(fc.oneof(fc.record({ take: sizes }), fc.record({ give: fc.nat(20) })), { maxLength: 60 });
    fc.assert(
      fc.property(actions, (script) => {
        const arena = createArena({ budgetBytes: 256 * PAGE_BYTES, segmentBytes: 64 * PAGE_BYTES });
        const live: { region: ArenaRegion; sizes: number[] }[] = [];
        for (const action of script) {
          if ("give" in action) live.splice(action.give % Math.max(live.length, 1), 1)[0]?.region.free();
          else live.push({ region: arena.allocate(action.take.map((byteLength) => ({ column: "x", byteLength }))), sizes: action.take });
          const spans = live
            .flatMap(({ region, sizes: lengths }) =>
              lengths.map((length, i) => {
                const { buffer, byteOffset } = region.spans[i]!;
                expect(byteOffset % COLUMN_ALIGNMENT_BYTES).toBe(0);
                expect(byteOffset + length).toBeLessThanOrEqual(buffer.byteLength);
                const from = arena.segments.indexOf(buffer) * 2 ** 32 + byteOffset;
                return [from, from + length] as const;
              }),
            )
            .filter(([from, to]) => to > from);
          spans.sort((a, b) => a[0] - b[0]);
          for (let i = 1; i < spans.length; i++) expect(spans[i]![0]).toBeGreaterThanOrEqual(spans[i - 1]![1]);
        }
        for (const { region } of live) region.free();
        expect(arena.freeBytes).toBe(256 * PAGE_BYTES);
        expect(arena.allocate([{ column: "x", byteLength: 64 * PAGE_BYTES }]).spans[0]!.byteOffset).toBe(0);
      }),
      { seed: 1 },
    );
  });
});
