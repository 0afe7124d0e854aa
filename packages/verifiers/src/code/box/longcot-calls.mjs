// Answers calls of a JavaScript solution's functions: a line of JSON each way on descriptor 3, in the encoding of longcot_values.py.
import { readSync, writeSync } from "node:fs";

const CHANNEL = 3;

function send(message) {
  let data = Buffer.from(`${JSON.stringify(message)}\n`);
  while (data.length > 0) data = data.subarray(writeSync(CHANNEL, data));
}

function* lines() {
  let text = "";
  const buffer = Buffer.alloc(1 << 16);
  const decoder = new TextDecoder();
  for (let size = readSync(CHANNEL, buffer); size > 0; size = readSync(CHANNEL, buffer)) {
    text += decoder.decode(buffer.subarray(0, size), { stream: true });
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
      yield text.slice(0, end);
      text = text.slice(end + 1);
    }
  }
}

function encode(value) {
  if (value === undefined || value === null) return null;
  if (typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number")
    return Number.isSafeInteger(value) ? value : { f: String(value).replace("Infinity", "inf").replace("NaN", "nan") };
  if (typeof value === "bigint") return { i: value < 0n ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}` };
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return Array.from(value, encode);
  if (value instanceof Set) return { s: Array.from(value, encode) };
  if (value instanceof Map) return { d: Array.from(value, ([key, part]) => [encode(key), encode(part)]) };
  if (typeof value === "object") return { d: Object.entries(value).map(([key, part]) => [key, encode(part)]) };
  throw new TypeError(`a ${typeof value} is no data`);
}

function decode(item) {
  if (Array.isArray(item)) return item.map(decode);
  if (typeof item !== "object" || item === null) return item;
  const [kind, content] = Object.entries(item)[0];
  if (kind === "i") return Number(BigInt(content.replace("-", ""))) * (content.startsWith("-") ? -1 : 1);
  if (kind === "f") return Number(content.replace("inf", "Infinity"));
  if (kind === "d") return Object.fromEntries(content.map(([key, part]) => [key, decode(part)]));
  return content.map(decode);
}

const describe = (error) => ({
  kind: "exception",
  name: String(error?.name ?? "Error"),
  message: String(error?.message ?? error).slice(0, 300),
  line: null,
});

try {
  await import(process.argv[2]);
  const entries = globalThis[Symbol.for("longcot.entries")];
  for (const line of lines()) {
    const { method, arguments: text } = JSON.parse(line);
    try {
      const { Solution } = entries;
      const target = typeof Solution?.prototype?.[method] === "function" ? new Solution() : { [method]: entries[method] };
      if (typeof target[method] !== "function") throw new ReferenceError(`neither a function nor a method of Solution is called ${method}`);
      const [positional] = decode(JSON.parse(text).root.t);
      send({ value: JSON.stringify({ root: encode(await target[method](...positional)) }) });
    } catch (error) {
      send({ error: describe(error) });
    }
  }
} catch (error) {
  send({ error: { ...describe(error), kind: error instanceof SyntaxError ? "compile" : "exception" } });
  process.exitCode = 1;
}
