import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { COLUMN_ALIGNMENT_BYTES, createArena, type ArenaRegion } from "./arena.ts";

describe("createArena", () => {
  it("takes a budget that is no multiple of a page", () => {
    const arena = createArena({ budgetBytes: 100_000 });
    expect(arena.budgetBytes).toBe(99_968);
    expect(arena.freeBytes).toBe(99_968);
    expect(arena.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(arena.buffer.byteLength).toBe(131_072);
  });

  it.each([0, 63, -64, 1.5, Number.NaN, 2 ** 32 + 1])("refuses a budget of %s", (budgetBytes) => {
    expect(() => createArena({ budgetBytes })).toThrow(/createArena: budgetBytes must be a whole number from 64 to 4294967296, got/);
  });
});

describe("Arena.allocate", () => {
  it("lays columns side by side at multiples of 64", () => {
    const arena = createArena({ budgetBytes: 1024 });
    const region = arena.allocate([
      { column: "a", byteLength: 1 },
      { column: "b", byteLength: 65 },
      { column: "c", byteLength: 64 },
    ]);
    expect(region.byteOffsets).toEqual([0, 64, 192]);
    expect(arena.freeBytes).toBe(1024 - 256);
  });

  it("names the column that would not fit and takes nothing", () => {
    const arena = createArena({ budgetBytes: 256 });
    const step = [
      { column: "prompt_id", byteLength: 100 },
      { column: "entropies", byteLength: 129 },
      { column: "reward", byteLength: 4 },
    ];
    expect(() => arena.allocate(step)).toThrow(
      "Arena.allocate: column entropies must be small enough for the arena (largest free piece 256 of 256 bytes), got 129 bytes in a step of 384. Raise budgetBytes",
    );
    expect(arena.freeBytes).toBe(256);
  });

  it("reuses a freed step and merges it with its free neighbours", () => {
    const arena = createArena({ budgetBytes: 192 });
    const take = (): ArenaRegion => arena.allocate([{ column: "x", byteLength: 64 }]);
    const [first, second, third] = [take(), take(), take()];
    first.free();
    third.free();
    expect(() => arena.allocate([{ column: "x", byteLength: 128 }])).toThrow(/largest free piece 64 of 192/);
    second.free();
    expect(arena.allocate([{ column: "x", byteLength: 192 }]).byteOffsets).toEqual([0]);
  });

  it("refuses a second free", () => {
    const region = createArena({ budgetBytes: 64 }).allocate([{ column: "x", byteLength: 1 }]);
    region.free();
    expect(() => region.free()).toThrow(/freed before/);
  });

  it("never overlaps live regions and gets every byte back", () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 200 }), { minLength: 1, maxLength: 3 });
    const actions = fc.array(fc.oneof(fc.record({ take: sizes }), fc.record({ give: fc.nat(20) })), { maxLength: 60 });
    fc.assert(
      fc.property(actions, (script) => {
        const arena = createArena({ budgetBytes: 65_536 });
        const live: { region: ArenaRegion; sizes: number[] }[] = [];
        for (const action of script) {
          if ("give" in action) live.splice(action.give % Math.max(live.length, 1), 1)[0]?.region.free();
          else {
            live.push({
              region: arena.allocate(action.take.map((byteLength) => ({ column: "x", byteLength }))),
              sizes: action.take,
            });
          }
          const spans = live
            .flatMap(({ region, sizes: lengths }) =>
              lengths.map((length, i) => [region.byteOffsets[i]!, region.byteOffsets[i]! + length] as const),
            )
            .filter(([from, to]) => to > from);
          spans.sort((a, b) => a[0] - b[0]);
          for (let i = 1; i < spans.length; i++) expect(spans[i]![0]).toBeGreaterThanOrEqual(spans[i - 1]![1]);
          for (const [from, to] of spans) {
            expect(from % COLUMN_ALIGNMENT_BYTES).toBe(0);
            expect(to).toBeLessThanOrEqual(65_536);
          }
        }
        for (const { region } of live) region.free();
        expect(arena.freeBytes).toBe(65_536);
        expect(arena.allocate([{ column: "x", byteLength: 65_536 }]).byteOffsets).toEqual([0]);
      }),
      { seed: 1 },
    );
  });
});
