import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Float32, RecordBatch, Schema, tableFromArrays, tableFromIPC, tableToIPC, vectorFromArray } from "apache-arrow";
import { isLongcotError } from "@longcot/errors";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rolloutRows, shuffledRows } from "../fixtures/rollout-rows.ts";
import { SAMPLE_ROWS, sampleRow, sealRows } from "../fixtures/sample-step.ts";
import { createArena } from "./arena.ts";
import { CHECKSUM_PLACEHOLDER, checkFileBytes, checksumOfChunks } from "./file-checksum.ts";
import { viewFileChunks } from "./file-encoding.ts";
import { readRolloutFile, viewRolloutBytes, writeRolloutFile } from "./rollout-file.ts";
import { toSchemaMetadata } from "./rollout-metadata.ts";

const arena = () => createArena({ budgetBytes: 1 << 20 });
let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rollout-buffer-"));
  path = join(folder, "step-000012.arrow");
});
afterAll(async () => rm(folder, { recursive: true }));

/** Writes any batch with a valid checksum, as this package never would. */
async function writeForged(batch: RecordBatch, change: (pairs: Map<string, string>) => void = () => {}): Promise<void> {
  const encode = (checksum: string): Uint8Array[] => {
    const pairs = toSchemaMetadata({ step: 12, seed: 5, custom: {} }, checksum);
    change(pairs);
    return viewFileChunks(new RecordBatch(new Schema(batch.schema.fields, pairs), batch.data)).chunks;
  };
  await writeFile(path, Buffer.concat(encode(checksumOfChunks(encode(CHECKSUM_PLACEHOLDER)))));
}

describe("writeRolloutFile and readRolloutFile", () => {
  it.each([
    ["an ordinary buffer", false],
    ["an arena", true],
  ])("give back the same rows through %s", async (_, intoArena) => {
    await fc.assert(
      fc.asyncProperty(rolloutRows, fc.boolean(), async (rows, withReference) => {
        const levelled = rows.map((row) => ({ ...row, level: row.promptId }));
        const written = withReference ? sealRows(arena(), levelled, ["level", "ref_log_probs"]) : sealRows(arena(), rows);
        const memory = arena();
        await writeRolloutFile(path, written);
        const read = await readRolloutFile(path, intoArena ? { arena: memory } : {});
        expect(read.metadata).toEqual(written.metadata);
        expect(read.columns).toEqual(written.columns);
        expect(read.length).toBe(written.length);
        for (let row = 0; row < read.length; row++) expect(read.viewRow(row)).toEqual(written.viewRow(row));
        read.free();
        expect(memory.freeBytes).toBe(memory.budgetBytes);
      }),
      { seed: 4, numRuns: 25 },
    );
    expect(await readdir(folder)).toEqual(["step-000012.arrow"]);
  });

  it("reads without copying a column", async () => {
    await writeRolloutFile(path, sealRows(arena()));
    const read = await readRolloutFile(path);
    const { buffer } = read.viewPerRow("reward");
    expect(buffer.byteLength).toBe((await readFile(path)).length);
    for (const column of ["response_tokens", "old_log_probs", "response_mask"] as const)
      expect(read.viewPerToken(column).values.buffer).toBe(buffer);
  });

  it("gives the same bytes for the same rows in any order", async () => {
    await fc.assert(
      fc.asyncProperty(shuffledRows, async ({ rows, shuffled }) => {
        await writeRolloutFile(path, sealRows(arena(), rows));
        const first = await readFile(path);
        await writeRolloutFile(path, sealRows(arena(), shuffled));
        expect(first.equals(await readFile(path))).toBe(true);
      }),
      { seed: 5, numRuns: 25 },
    );
  });

  it("writes again what it read, bit for bit", async () => {
    await writeRolloutFile(path, sealRows(arena(), SAMPLE_ROWS, ["ref_log_probs"]));
    const first = await readFile(path);
    await writeRolloutFile(path, await readRolloutFile(path));
    expect(first.equals(await readFile(path))).toBe(true);
  });

  it("survives a step whose responses are all empty", async () => {
    const rows = SAMPLE_ROWS.map((row) => ({
      ...row,
      responseTokens: new Int32Array(0),
      rolloutLogProbs: new Float32Array(0),
      responseMask: new Uint8Array(0),
    }));
    await writeRolloutFile(path, sealRows(arena(), rows));
    const read = await readRolloutFile(path, { arena: arena() });
    expect(read.responseTokenCount).toBe(0);
    expect([...read.viewPerToken("entropies").offsets]).toEqual([0, 0, 0, 0]);
  });

  it.each([1, 2])("reads a committed file of schema version %d as it was written, and writes it again as a 3", async (version) => {
    const old = await readRolloutFile(fileURLToPath(new URL(`../fixtures/step-v${version}.arrow`, import.meta.url)));
    const rows = SAMPLE_ROWS.map((row) => ({ ...row, level: row.promptId }));
    const now = sealRows(arena(), rows, ["level", "ref_log_probs"]);
    expect(old.metadata).toEqual(now.metadata);
    expect(old.columns).toEqual(now.columns);
    for (let row = 0; row < 3; row++) expect({ ...old.viewRow(row), level: 0 }).toEqual({ ...now.viewRow(row), level: 0 });
    await writeRolloutFile(path, old);
    expect((await readFile(path)).includes("longcot.schema_version")).toBe(true);
    expect((await readRolloutFile(path)).viewRow(1)).toEqual(old.viewRow(1));
    expect(tableFromIPC(await readFile(path)).schema.metadata.get("longcot.schema_version")).toBe("3");
  });

  it("reads zstd into an arena or without one, and refuses a changed byte of it", async () => {
    const long = sealRows(arena(), [
      sampleRow(
        1,
        0,
        [1],
        Array.from({ length: 5000 }, (_, i) => i % 7),
      ),
    ]);
    await writeRolloutFile(path, long);
    const plain = await readFile(path);
    await writeRolloutFile(path, long, { compression: "zstd" });
    const packed = await readFile(path);
    expect(packed.length).toBeLessThan(plain.length / 3);
    // Before a frame of zstd stands its length unpacked: that of the tokens among others.
    const magic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
    const lengths: bigint[] = [];
    for (let at = packed.indexOf(magic); at >= 0; at = packed.indexOf(magic, at + 1)) lengths.push(packed.readBigInt64LE(at - 8));
    expect(lengths.filter((length) => length === 20_000n)).toHaveLength(4);
    const memory = arena();
    const [inArena, outside] = [await readRolloutFile(path, { arena: memory }), await readRolloutFile(path)];
    expect(inArena.viewRow(0)).toEqual(long.viewRow(0));
    expect(outside.viewRow(0)).toEqual(long.viewRow(0));
    expect(inArena.viewAligned("entropies")).toEqual(long.viewAligned("entropies"));
    inArena.free();
    expect(memory.freeBytes).toBe(memory.budgetBytes);
    packed[packed.length >> 1]! ^= 1;
    await writeFile(path, packed);
    await expect(readRolloutFile(path)).rejects.toThrow(/step-000012.arrow must be a whole rollout file, got bytes that do not match/);
  });

  it("views bytes that came from elsewhere without a copy", async () => {
    const written = sealRows(arena());
    await writeRolloutFile(path, written);
    const content = await readFile(path);
    const shared = new Uint8Array(new SharedArrayBuffer(content.length + 8));
    shared.set(content, 8);
    const rollouts = viewRolloutBytes("object store", shared.subarray(8));
    expect(rollouts.viewRow(1)).toEqual(written.viewRow(1));
    expect(rollouts.viewPerRow("reward").buffer).toBe(shared.buffer);
    expect(() => viewRolloutBytes("object store", shared.subarray(9))).toThrow(/object store must be bytes that begin at a multiple of 8/);
    shared[600]! ^= 4;
    expect(() => viewRolloutBytes("object store", shared.subarray(8))).toThrow(/object store must be a whole rollout file/);
  });

  it("opens in plain apache-arrow with names, types and metadata", async () => {
    await writeRolloutFile(path, sealRows(arena()));
    const table = tableFromIPC(await readFile(path));
    expect(table.numRows).toBe(3);
    expect(table.schema.metadata.get("longcot.schema_version")).toBe("3");
    expect(table.schema.metadata.get("run")).toBe("test");
    expect(table.schema.fields.map((field) => `${field.name}: ${field.type}${field.nullable ? "?" : ""}`)).toContain(
      "old_log_probs: List<Float32>",
    );
    const fields = table.schema.fields.flatMap((field) => [field, ...(field.type.children ?? [])]);
    expect(fields.filter((field) => field.nullable)).toEqual([]);
    expect(fields.length).toBe(table.schema.fields.length + 6);
    expect(table.schema.fields.find((field) => field.name === "entropies")!.metadata.get("unit")).toBe("nats");
    expect([...table.getChild("outcome")!]).toEqual(["wrong", "wrong", "correct"]);
  });

  it("leaves the old file and no temporary one when writing fails", async () => {
    await writeRolloutFile(path, sealRows(arena()));
    const missing = join(folder, "no-such-folder", "step.arrow");
    await expect(writeRolloutFile(missing, sealRows(arena()))).rejects.toThrow(/ENOENT/);
    await expect(writeRolloutFile(folder, sealRows(arena()))).rejects.toThrow(/rename/);
    expect(await readdir(folder)).toEqual(["step-000012.arrow"]);
    expect((await readdir(join(folder, ".."))).filter((name) => name.startsWith(".aside-"))).toEqual([]);
    expect((await readRolloutFile(path)).length).toBe(3);
  });
});

describe("readRolloutFile refuses", () => {
  const batch = sealRows(arena()).viewRecordBatch();

  it("every truncation and every changed byte", async () => {
    await writeRolloutFile(path, sealRows(arena(), SAMPLE_ROWS.slice(0, 1)));
    const file = await readFile(path);
    const refuses = (bytes: Uint8Array): boolean => {
      try {
        checkFileBytes("test", path, bytes);
        return false;
      } catch (error) {
        return isLongcotError(error) && error.expected === "a whole rollout file";
      }
    };
    expect(refuses(file)).toBe(false);
    const accepted: string[] = [];
    for (let length = 0; length < file.length; length++) if (!refuses(file.subarray(0, length))) accepted.push(`first ${length} bytes`);
    for (let i = 0; i < file.length; i++) {
      file[i]! ^= 1 << (i % 8);
      if (!refuses(file)) accepted.push(`bit ${i % 8} of byte ${i}`);
      file[i]! ^= 1 << (i % 8);
    }
    expect(accepted).toEqual([]);
    expect(refuses(file)).toBe(false);
  });

  it("a truncated file with one error that names it, and gives the arena back", async () => {
    await writeRolloutFile(path, sealRows(arena()));
    await writeFile(path, (await readFile(path)).subarray(0, 4000));
    const memory = arena();
    await expect(readRolloutFile(path, { arena: memory })).rejects.toMatchObject({
      code: "DATA",
      argument: path,
      received: "an Arrow file without its end: truncated",
    });
    expect(memory.freeBytes).toBe(memory.budgetBytes);
  });

  it("a missing file, a folder, an empty file, a text, another Arrow file", async () => {
    await expect(readRolloutFile(join(folder, "none.arrow"))).rejects.toMatchObject({
      code: "DATA",
      received: "a path that cannot be read",
    });
    await expect(readRolloutFile(folder)).rejects.toMatchObject({
      code: "DATA",
      received: "something that is not a file",
    });
    await writeFile(path, "");
    await expect(readRolloutFile(path)).rejects.toMatchObject({
      code: "DATA",
      received: "0 bytes that do not begin as an Arrow file",
    });
    await writeFile(path, '{"id": 1, "response": "not a rollout file"}');
    await expect(readRolloutFile(path)).rejects.toMatchObject({
      code: "DATA",
      received: "43 bytes that do not begin as an Arrow file",
    });
    await writeFile(path, tableToIPC(tableFromArrays({ x: Int32Array.of(1) }), "file"));
    await expect(readRolloutFile(path)).rejects.toMatchObject({
      code: "DATA",
      received: "an Arrow file without longcot.checksum: foreign or damaged",
    });
  });

  it("a file larger than the arena, by name", async () => {
    await writeRolloutFile(path, sealRows(arena()));
    const tiny = createArena({ budgetBytes: 1 });
    const rows = [
      sampleRow(
        1,
        0,
        [1],
        Array.from({ length: 4000 }, () => 1),
      ),
    ];
    await writeRolloutFile(path, sealRows(arena(), rows));
    await expect(readRolloutFile(path, { arena: tiny })).rejects.toThrow(
      /column \(file step-000012.arrow\) must be small enough for the arena/,
    );
  });

  it("another schema version", async () => {
    await writeForged(batch, (pairs) => pairs.set("longcot.schema_version", "4"));
    await expect(readRolloutFile(path)).rejects.toMatchObject({
      code: "DATA",
      expected: "a rollout file of schema version 1, 2, 3",
      received: "version 4",
    });
  });

  it("an unknown column, a missing one, another dtype, a nullable field, nulls", async () => {
    const children = batch.data.children;
    const forge = async (edit: (fields: typeof batch.schema.fields, data: typeof children) => void): Promise<void> => {
      const [fields, data] = [[...batch.schema.fields], [...children]];
      edit(fields, data);
      await writeForged(new RecordBatch(new Schema(fields), tableOf(fields, data)));
    };
    const tableOf = (fields: typeof batch.schema.fields, data: typeof children) =>
      new RecordBatch(Object.fromEntries(fields.map((field, i) => [field.name, data[i]!]))).data;
    const at = batch.schema.fields.findIndex((field) => field.name === "reward");
    const rewardField = batch.schema.fields[at]!;
    const other = tableFromArrays({ prices: Float64Array.of(1, 2, 3), holes: [1.5, null, 2] });

    await forge((fields, data) => (fields.push(rewardField.clone({ name: "price" })), data.push(data[at]!)));
    await expect(readRolloutFile(path)).rejects.toThrow(/column price of .* must be one of the rollout schema, got an unknown column/);
    const stage = batch.schema.fields.findIndex((field) => field.name === "stage");
    await forge((fields, data) => (fields.splice(stage, 1), data.splice(stage, 1)));
    await expect(readRolloutFile(path)).rejects.toThrow(/column stage of .* must be there, got a file without it/);
    await forge(
      (fields, data) => (
        (fields[at] = rewardField.clone({ type: other.schema.fields[0]!.type })),
        (data[at] = other.batches[0]!.data.children[0]!)
      ),
    );
    await expect(readRolloutFile(path)).rejects.toThrow(/column reward of .* must be Float32, got Float64/);
    await forge((_, data) => (data[at] = vectorFromArray([1, null, 2], new Float32()).data[0]!));
    await expect(readRolloutFile(path)).rejects.toThrow(/column reward of .* must be without nulls, got 1 nulls/);
    await forge((fields) => (fields[at] = rewardField.clone({ nullable: true })));
    await expect(readRolloutFile(path)).rejects.toThrow(/column reward of .* must be Float32, got Float32 nullable/);
  });
});
