import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { EventFile, tfRecord } from "./event-file.ts";

test("a TFRecord is framed as TensorFlow frames it", () => {
  // python: struct.pack("<Q", 3) + masked_crc32c(length) + b"abc" + masked_crc32c(b"abc"), by google-crc32c and
  // tensorboard.compat.tensorflow_stub.pywrap_tensorflow.masked_crc32c
  expect(Buffer.from(tfRecord(Buffer.from("abc"))).toString("hex")).toBe("0300000000000000b099490e6162636e57f121");
});

test("the bytes of a file with one scalar", () => {
  const folder = mkdtempSync(join(tmpdir(), "longcot-events-"));
  const file = new EventFile(folder, 3, 1700000000.5);
  file.append(300, { "actor/entropy": 0.5 }, 1700000001);
  file.close();
  const bytes = readFileSync(file.path);
  const payloads: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = Number(bytes.readBigUInt64LE(at));
    const payload = bytes.subarray(at + 12, at + 12 + length);
    expect(bytes.subarray(at, at + length + 16)).toEqual(Buffer.from(tfRecord(payload)));
    payloads.push(payload.toString("hex"));
    at += length + 16;
  }
  // python: tensorboard.compat.proto.event_pb2.Event(...).SerializeToString().hex()
  expect(payloads).toEqual([
    "0900002040fc54d9411a0d627261696e2e4576656e743a32",
    "0900002040fc54d94110033a020801",
    "0900004040fc54d94110ac022a160a140a0d6163746f722f656e74726f7079150000003f",
  ]);
});
