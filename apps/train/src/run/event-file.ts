// TensorBoard event files: TFRecord framing around the Event protocol buffer, scalars only.
// Source: tensorflow/core/lib/io/record_writer.h (framing), tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto.
import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { crc32c } from "@aws-crypto/crc32c";
import type { Metrics } from "../events.ts";

/** Appends scalars to one event file; TensorBoard merges the files of a folder. */
export class EventFile {
  readonly path: string;
  readonly #now: number;
  readonly #firstStep: number;
  #fd: number | undefined;

  /**
   * Names a new file in `folder`; it is there from the first {@link append} on.
   * @param firstStep Step of the first scalars to come. TensorBoard drops what earlier files of the folder say from this step on, as after a resume.
   * @param now Seconds since 1970.
   */
  constructor(folder: string, firstStep: number, now = Date.now() / 1000) {
    mkdirSync(folder, { recursive: true });
    this.path = join(folder, `events.out.tfevents.${Math.floor(now)}.${hostname()}.${process.pid}.${firstStep}`);
    this.#now = now;
    this.#firstStep = firstStep;
  }

  /** Writes one scalar per metric at `step`. */
  append(step: number, metrics: Metrics, now = Date.now() / 1000): void {
    const fd = (this.#fd ??= this.#open());
    writeSync(fd, tfRecord(scalarsEvent(now, step, metrics)));
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
  }

  #open(): number {
    const fd = openSync(this.path, "a");
    for (const event of [fileVersionEvent(this.#now), sessionStartEvent(this.#now, this.#firstStep)]) writeSync(fd, tfRecord(event));
    return fd;
  }
}

/** One TFRecord: length u64, masked CRC-32C of the length, payload, masked CRC-32C of the payload; little-endian. */
export function tfRecord(payload: Uint8Array): Uint8Array {
  const record = new Uint8Array(payload.length + 16);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(payload.length), true);
  view.setUint32(8, maskedCrc(record.subarray(0, 8)), true);
  record.set(payload, 12);
  view.setUint32(12 + payload.length, maskedCrc(payload), true);
  return record;
}

function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

// Field numbers of event.proto: wall_time 1, step 2, file_version 3, summary 5, session_log 7.

function fileVersionEvent(now: number): Uint8Array {
  return concat(doubleField(1, now), bytesField(3, Buffer.from("brain.Event:2")));
}

function sessionStartEvent(now: number, step: number): Uint8Array {
  const START = 1;
  return concat(doubleField(1, now), varintField(2, step), bytesField(7, varintField(1, START)));
}

function scalarsEvent(now: number, step: number, metrics: Metrics): Uint8Array {
  // Summary.value 1 { tag 1, simple_value 2 }
  const values = Object.entries(metrics).map(([tag, value]) =>
    bytesField(1, concat(bytesField(1, Buffer.from(tag)), floatField(2, value))),
  );
  return concat(doubleField(1, now), varintField(2, step), bytesField(5, concat(...values)));
}

const WIRE_VARINT = 0;
const WIRE_64_BIT = 1;
const WIRE_BYTES = 2;
const WIRE_32_BIT = 5;

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt(value);
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    bytes.push(rest === 0n ? low : low | 128);
  } while (rest !== 0n);
  return Uint8Array.from(bytes);
}

function field(number: number, wire: number, ...content: Uint8Array[]): Uint8Array {
  return concat(varint((number << 3) | wire), ...content);
}

function varintField(number: number, value: number): Uint8Array {
  return field(number, WIRE_VARINT, varint(value));
}

function bytesField(number: number, content: Uint8Array): Uint8Array {
  return field(number, WIRE_BYTES, varint(content.length), content);
}

function doubleField(number: number, value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value, true);
  return field(number, WIRE_64_BIT, bytes);
}

function floatField(number: number, value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return field(number, WIRE_32_BIT, bytes);
}

function concat(...parts: Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}
