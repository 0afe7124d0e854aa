// Against a file that the safetensors library wrote (fixtures/tiny-qwen2), hand-made bytes, and every way to damage them.
import { readFile, readdir, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DataError } from "@longcot/errors";
import { describe, expect, test } from "vitest";
import { makeTemporaryFolder } from "../../fixtures/temporary-folder.ts";
import { openSafetensors } from "./safetensors.ts";
import { writeSafetensors } from "./write-safetensors.ts";

const fixture = fileURLToPath(new URL("../../fixtures/tiny-qwen2/", import.meta.url));

/** A file of `header` (text, or an object as JSON) and `data`, with the header's length in front unless `length` says otherwise. */
async function makeFile(header: string | object, data: ArrayBufferView | undefined, length?: bigint): Promise<string> {
  const text = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(length ?? BigInt(text.length));
  const path = join(makeTemporaryFolder(), "x.safetensors");
  await writeFile(
    path,
    Buffer.concat([prefix, text, data === undefined ? Buffer.alloc(0) : Buffer.from(data.buffer, data.byteOffset, data.byteLength)]),
  );
  return path;
}

test("reads what the safetensors library wrote, tensor by tensor", async () => {
  const file = await openSafetensors(join(fixture, "expected.safetensors"));
  const described = JSON.parse(await readFile(join(fixture, "expected.json"), "utf8")) as {
    tensors: Record<string, { shape: number[]; dtype: string }>;
  };
  expect([...file.tensors.keys()].sort()).toEqual(Object.keys(described.tensors).sort());
  for (const [name, { shape }] of Object.entries(described.tensors))
    expect({ name, shape: file.tensors.get(name)!.shape }).toEqual({ name, shape });
  const ids = await file.read("batch.input_ids");
  expect(ids).toBeInstanceOf(Int32Array);
  expect(ids.length).toBe(120);
  const logProbs = await file.readFloat32("batch.logprobs_t1.0");
  expect(logProbs.length).toBe(117);
  expect(logProbs.every((value) => value <= 0)).toBe(true);
  await file.close();
});

test("gives each dtype in its array, widening 16-bit floats exactly", async () => {
  const data = new Uint8Array(48);
  const view = new DataView(data.buffer);
  view.setFloat64(0, Math.PI, true);
  view.setBigInt64(8, -5n, true);
  view.setFloat32(16, 0.1, true);
  view.setInt32(20, -7, true);
  [0x3fc0, 0xc2f7].forEach((bits, i) => view.setUint16(24 + 2 * i, bits, true));
  [0x3e00, 0xfbff].forEach((bits, i) => view.setUint16(28 + 2 * i, bits, true));
  data.set([1, 0, 255, 128], 32);
  const at = (dtype: string, begin: number, end: number, shape = [1]) => ({
    dtype,
    shape,
    data_offsets: [begin, end],
  });
  const path = await makeFile(
    {
      a: at("F64", 0, 8),
      b: at("I64", 8, 16),
      c: at("F32", 16, 20, []),
      d: at("I32", 20, 24),
      e: at("BF16", 24, 28, [2]),
      f: at("F16", 28, 32, [2]),
      g: at("BOOL", 32, 34, [2]),
      h: at("U8", 34, 36, [1, 2]),
      i: at("F32", 36, 48, [3]),
      none: at("F32", 48, 48, [0, 4]),
    },
    data,
  );
  const file = await openSafetensors(path);
  expect([...(await file.read("a"))]).toEqual([Math.PI]);
  expect([...(await file.read("b"))]).toEqual([-5n]);
  expect([...(await file.readFloat32("c"))]).toEqual([Math.fround(0.1)]);
  expect([...(await file.read("d"))]).toEqual([-7]);
  expect([...(await file.read("e"))]).toEqual([0x3fc0, 0xc2f7]);
  expect([...(await file.readFloat32("e"))]).toEqual([1.5, -123.5]);
  expect([...(await file.readFloat32("f"))]).toEqual([1.5, -65_504]);
  expect([...(await file.read("g"))]).toEqual([1, 0]);
  expect([...(await file.read("h"))]).toEqual([255, 128]);
  expect((await file.readFloat32("none")).length).toBe(0);
  await expect(file.readFloat32("a")).rejects.toThrow('tensor "a" must be F32, BF16 or F16, got F64');
  await expect(file.read("z")).rejects.toThrow(/x\.safetensors: tensor "z" must be one of its 10 tensors, got an unknown name$/);
  const first = await file.readFloat32("i");
  first.fill(9);
  expect([...(await file.readFloat32("i"))]).toEqual([0, 0, 0]);
  await file.close();
});

describe("refuses in one line", () => {
  const good = { dtype: "F32", shape: [2], data_offsets: [0, 8] };
  const next = { dtype: "F32", shape: [1], data_offsets: [8, 12] };
  const data = new Uint8Array(12);
  test.each<[string, Parameters<typeof makeFile>, RegExp]>([
    ["a header longer than the file", [{ w: good }, data, 5000n], /got 74 bytes, though its header alone needs 5008: truncated/],
    [
      "a header beyond the limit",
      [{ w: good }, data, 2n ** 63n],
      /a header length of 9223372036854775808 bytes, more than the limit of 100000000/,
    ],
    ["a header length too small", [{ w: good, v: next }, data, 5n], /expected a safetensors header in JSON/],
    ["no JSON", ["{nope", data], /expected a safetensors header in JSON/],
    ["no object", ["[1]", data], /header that is a JSON object, got \[1\]/],
    [
      "a name twice",
      ['{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"\\u0077":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}', data],
      /each name once in the header, got "w" twice/,
    ],
    ["an unknown dtype", [{ w: { ...good, dtype: "F31" } }, data], /tensor "w" must be a dtype of BOOL.*, got "F31"/],
    ["a negative size", [{ w: { ...good, shape: [-2] } }, data], /tensor "w" must be a shape of non-negative integers, got \[-2\]/],
    [
      "offsets out of order",
      [{ w: { ...good, data_offsets: [8, 0] } }, data],
      /tensor "w" must be data_offsets \[begin, end\], got \[8,0\]/,
    ],
    [
      "shape and bytes that disagree",
      [{ w: { ...good, shape: [3] } }, data],
      /tensor "w" must be 12 bytes, as F32 of shape \[3\] takes, got data_offsets that span 8/,
    ],
    [
      "overlapping tensors",
      [{ w: good, v: { ...next, data_offsets: [4, 8] } }, data],
      /tensor "v" must be a byte range right after the tensor before it, got data_offsets \[4, 8\], which overlaps/,
    ],
    ["a hole", [{ v: next }, data], /tensor "v" .* data_offsets \[8, 12\], which leaves a hole/],
    [
      "a truncated file",
      [{ w: good, v: next }, data.subarray(0, 11)],
      /tensor "v" must be a byte range inside the file, got data up to byte \d+ of a file of \d+ bytes: truncated/,
    ],
    ["trailing bytes", [{ w: good }, data], /expected \d+ bytes, where the last tensor ends, got \d+ bytes/],
    ["metadata that is no text", [{ __metadata__: { a: 1 }, w: good, v: next }, data], /__metadata__ must be an object of strings/],
  ])("%s", async (_, file, message) => {
    const path = await makeFile(...file);
    const error = await openSafetensors(path).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(DataError);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message.startsWith(`${path}: `)).toBe(true);
    expect((error as Error).message).not.toContain("\n");
  });

  test("a missing file, an empty file, and one that shrinks while open", async () => {
    await expect(openSafetensors("/nowhere/x.safetensors")).rejects.toThrow(
      "/nowhere/x.safetensors: expected a safetensors file, got no such file",
    );
    const empty = join(makeTemporaryFolder(), "empty.safetensors");
    await writeFile(empty, "");
    await expect(openSafetensors(empty)).rejects.toThrow("expected a safetensors file, got 0 bytes, too few for a header");
    const path = await makeFile({ w: good, v: next }, data);
    const file = await openSafetensors(path);
    await truncate(path, file.tensors.get("v")!.begin + 1);
    await expect(file.read("v")).rejects.toThrow("it shrank while open");
    await file.close();
  });
});

describe("writing", () => {
  const weights = { name: "w", shape: [2, 3], data: Float32Array.of(1, -2.5, 0.1, 3e-5, 0, 7) };
  const bias = { name: "b", shape: [1], data: async () => Float32Array.of(0.30000001192092896) };

  test.each(["float32", "bfloat16", "float16"] as const)("%s comes back, header aligned, with transformers' metadata", async (dtype) => {
    const path = join(makeTemporaryFolder(), "out.safetensors");
    await writeSafetensors(path, [bias, weights], { dtype, metadata: { step: "12" } });
    const file = await openSafetensors(path);
    expect(file.metadata).toEqual({ format: "pt", step: "12" });
    expect(file.tensors.get("b")!.begin % 8).toBe(0);
    expect(file.tensors.get("w")).toMatchObject({
      shape: [2, 3],
      dtype: { float32: "F32", bfloat16: "BF16", float16: "F16" }[dtype],
    });
    // bfloat16 and float16 values of 0.1, 3e-5, 0.3 by torch 2.15: torch.tensor([...]).to(dtype).double()
    const expected = {
      float32: [1, -2.5, 0.10000000149011612, 2.9999999242136255e-5, 0, 7],
      bfloat16: [1, -2.5, 0.10009765625, 3.0040740966796875e-5, 0, 7],
      float16: [1, -2.5, 0.0999755859375, 2.9981136322021484e-5, 0, 7],
    }[dtype];
    expect([...(await file.readFloat32("w"))]).toEqual(expected);
    expect([...(await file.readFloat32("b"))]).toEqual([
      { float32: 0.30000001192092896, bfloat16: 0.30078125, float16: 0.300048828125 }[dtype],
    ]);
    await file.close();
  });

  test("a view into a larger array is written alone", async () => {
    const path = join(makeTemporaryFolder(), "out.safetensors");
    await writeSafetensors(path, [{ name: "w", shape: [2], data: Float32Array.of(9, 1, 2, 9).subarray(1, 3) }]);
    const file = await openSafetensors(path);
    expect([...(await file.readFloat32("w"))]).toEqual([1, 2]);
    await file.close();
  });

  test("a failure leaves the old file as it was and nothing beside it", async () => {
    const folder = makeTemporaryFolder();
    const path = join(folder, "out.safetensors");
    await writeSafetensors(path, [weights]);
    const before = await readFile(path);
    const failing = { name: "v", shape: [1], data: () => Promise.reject(new Error("engine gone")) };
    await expect(writeSafetensors(path, [bias, failing])).rejects.toThrow("engine gone");
    await expect(writeSafetensors(path, [{ ...weights, shape: [7] }])).rejects.toThrow('tensor "w" must be 7 values for shape [7], got 6');
    await expect(writeSafetensors(path, [weights, weights])).rejects.toThrow('each tensor name once, got "w" again');
    await expect(
      writeSafetensors(path, [{ ...weights, data: new Float32Array(6).fill(1e6) }], {
        dtype: "float16",
      }),
    ).rejects.toThrow("values that fit float16");
    expect(await readdir(folder)).toEqual(["out.safetensors"]);
    expect((await readFile(path)).equals(before)).toBe(true);
  });
});
