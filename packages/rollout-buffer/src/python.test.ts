// The real pyarrow, DuckDB and Polars open our files. Runs where a Python has them: LONGCOT_PYTHON, or python3.
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sampleRow, SAMPLE_ROWS, sealRows } from "../fixtures/sample-step.ts";
import { createArena } from "./arena.ts";
import { ROLLOUT_COLUMNS } from "./column-table.ts";
import type { FileCompression } from "./file-compression.ts";
import { writeRolloutFile } from "./rollout-file.ts";

const PYTHON = process.env["LONGCOT_PYTHON"] ?? "python3";
const hasModule = (name: string): boolean => spawnSync(PYTHON, ["-c", `import ${name}`]).status === 0;
const hasPyarrow = hasModule("pyarrow");
const SCRIPT = fileURLToPath(new URL("../fixtures/check_rollout_file.py", import.meta.url));

const PYARROW_TYPES = {
  int32: "int32",
  float32: "float",
  uint8: "uint8",
  utf8: "dictionary<values=string, indices=int32, ordered=0>",
};
const POLARS_TYPES = { int32: "Int32", float32: "Float32", uint8: "UInt8", utf8: "Categorical" };
const GROUPS = [
  { prompt_id: 4, rows: 1, reward: 4, log_prob: 0, outcome: "wrong" },
  { prompt_id: 7, rows: 2, reward: 14.25, log_prob: -9.375, outcome: "wrong" },
];

/** What {@link SCRIPT} prints. */
interface Seen {
  types: Record<string, string>;
  units: Record<string, string>;
  metadata: Record<string, string>;
  checksum_holds: boolean;
  stream_equals_file: boolean;
  rows: Record<string, unknown>[];
  duckdb: Record<string, unknown>[] | null;
  polars: { types: Record<string, string>; groups: Record<string, unknown>[] } | null;
}

describe.each<FileCompression>(["none", "zstd"])(
  `a file with compression %s${hasPyarrow ? "" : ` (skipped: ${PYTHON} cannot import pyarrow; set LONGCOT_PYTHON)`}`,
  (compression) => {
    let folder: string;
    let seen: Seen;
    beforeAll(async () => {
      if (!hasPyarrow) return;
      folder = await mkdtemp(join(tmpdir(), "rollout-buffer-"));
      const path = join(folder, "step-000012.arrow");
      const rollouts = sealRows(
        createArena({ budgetBytes: 1 << 20 }),
        SAMPLE_ROWS.map((row) => ({ ...row, level: 3 })),
        ["level", "ref_log_probs", "top_k_mass"],
      );
      await writeRolloutFile(path, rollouts, { compression });
      const { status, stdout, stderr } = spawnSync(PYTHON, [SCRIPT, path], { encoding: "utf8" });
      if (status !== 0) throw new Error(stderr);
      seen = JSON.parse(stdout) as Seen;
    }, 30_000);
    afterAll(async () => {
      if (hasPyarrow) await rm(folder, { recursive: true });
    });

    it.skipIf(!hasPyarrow)("shows pyarrow our names, types, units, metadata and values, and its checksum holds", () => {
      for (const { name, dtype, kind, unit } of ROLLOUT_COLUMNS) {
        expect(seen.types[name]).toBe(
          kind === "per-token" ? `list<item: ${PYARROW_TYPES[dtype]} not null> not null` : `${PYARROW_TYPES[dtype]} not null`,
        );
        expect(seen.units[name]).toBe(unit);
      }
      expect(seen.metadata).toEqual({
        "longcot.schema_version": "3",
        "longcot.step": "12",
        "longcot.seed": "5",
        run: "test",
      });
      expect(seen.checksum_holds).toBe(true);
      expect(seen.stream_equals_file).toBe(true);
      expect(seen.rows).toHaveLength(3);
      expect(seen.rows[1]).toEqual({
        prompt_id: 7,
        sample_index: 0,
        step: 12,
        stage: 1,
        weight_version: 47,
        data_source: "odd",
        level: 3,
        finish_reason: "stop",
        outcome: "wrong",
        reward: 7,
        advantage: -0.5,
        prompt_tokens: [1, 2, 3],
        response_tokens: [12, 13, 14, 15],
        response_mask: [1, 0, 1, 1],
        rollout_log_probs: [-1.5, -1.625, -1.75, -1.875],
        old_log_probs: [-1.75, -1.875, -2, -2.125],
        ref_log_probs: [-2.5, -2.625, -2.75, -2.875],
        entropies: [0.75, 0.8125, 0.875, 0.9375],
        top_k_mass: [1 - 1.5 / 64, 1 - 1.625 / 64, 1 - 1.75 / 64, 1 - 1.875 / 64],
      });
    });

    it.skipIf(!hasPyarrow || !hasModule("duckdb"))("is queried by DuckDB", () => {
      expect(seen.duckdb).toEqual(GROUPS);
    });

    it.skipIf(!hasPyarrow || !hasModule("polars"))("is queried by Polars, with our types", () => {
      expect(seen.polars!.groups).toEqual(GROUPS);
      for (const { name, dtype, kind } of ROLLOUT_COLUMNS)
        expect(seen.polars!.types[name]).toBe(kind === "per-token" ? `List(${POLARS_TYPES[dtype]})` : POLARS_TYPES[dtype]);
    });
  },
);

it.skipIf(!hasPyarrow)("columns that zstd makes smaller are read by pyarrow as we wrote them", async () => {
  const folder = await mkdtemp(join(tmpdir(), "rollout-buffer-"));
  try {
    const rows = Array.from({ length: 300 }, (_, sampleIndex) => sampleRow(7, sampleIndex, [1], Array<number>(40).fill(4)));
    const path = join(folder, "step-000012.arrow");
    const rollouts = sealRows(createArena({ budgetBytes: 1 << 22 }), rows);
    await writeRolloutFile(path, rollouts, { compression: "zstd" });
    expect((await stat(path)).size).toBeLessThan(rollouts.responseTokenCount * 4);
    const { status, stdout, stderr } = spawnSync(PYTHON, [SCRIPT, path], { encoding: "utf8", maxBuffer: 1 << 26 });
    if (status !== 0) throw new Error(stderr);
    const seen = JSON.parse(stdout) as Seen;
    expect(seen.rows).toHaveLength(300);
    expect(new Set(seen.rows.flatMap((row) => row["response_tokens"]))).toEqual(new Set([4]));
    expect(new Set(seen.rows.flatMap((row) => row["rollout_log_probs"]))).toEqual(new Set([-0.5]));
  } finally {
    await rm(folder, { recursive: true });
  }
});
