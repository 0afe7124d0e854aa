// The message's form, the fields, and recognition across copies of the package.
import { describe, expect, test } from "vitest";
import { ConfigError, DataError, isLongcotError, LongcotError, NumericError, ShapeError } from "./index.ts";

const FIELDS = { who: "readModel", argument: "config.json", expected: "a JSON object", received: "an array" };

describe("message", () => {
  test("names who, the argument, what was expected and what came", () => {
    expect(new LongcotError(FIELDS).message).toBe("readModel: config.json must be a JSON object, got an array");
  });

  test("without an argument", () => {
    expect(new LongcotError({ who: "open", expected: "a GPU", received: "none" }).message).toBe("open: expected a GPU, got none");
  });

  test("ends with the fix", () => {
    expect(new LongcotError({ ...FIELDS, fix: "Export it again" }).message).toBe(
      "readModel: config.json must be a JSON object, got an array. Export it again",
    );
  });

  test("is one line whatever the fields hold", () => {
    const error = new LongcotError({ who: "run", expected: "success", received: "line one\n  line two\r\n\r\nline three" });
    expect(error.message).toBe("run: expected success, got line one line two line three");
    expect(error.received).toContain("\n");
  });
});

test("every field can be read back, and the cause is kept", () => {
  const cause = new Error("ENOENT");
  const error = new LongcotError({ ...FIELDS, fix: "Export it again", cause });
  expect(error).toMatchObject({ ...FIELDS, fix: "Export it again", cause });
  expect("cause" in new LongcotError(FIELDS)).toBe(false);
});

test.each([
  [LongcotError, "LongcotError", "LONGCOT"],
  [ShapeError, "ShapeError", "SHAPE"],
  [ConfigError, "ConfigError", "CONFIG"],
  [DataError, "DataError", "DATA"],
  [NumericError, "NumericError", "NUMERIC"],
])("%o has its name and code, and is an Error", (Class, name, code) => {
  const error = new Class(FIELDS);
  expect(error).toBeInstanceOf(Error);
  expect(error).toBeInstanceOf(LongcotError);
  expect([error.name, error.code]).toEqual([name, code]);
  expect(String(error)).toBe(`${name}: ${error.message}`);
});

describe("isLongcotError", () => {
  test("is true of any of the classes", () => {
    expect([LongcotError, ShapeError, ConfigError, DataError, NumericError].every((Class) => isLongcotError(new Class(FIELDS)))).toBe(true);
  });

  test("is true of an error from another copy of the package, which instanceof does not know", async () => {
    const copy = "./longcot-error.ts?copy";
    const { ConfigError: Other } = (await import(copy)) as { ConfigError: typeof ConfigError };
    const error = new Other(FIELDS);
    expect(error).not.toBeInstanceOf(LongcotError);
    expect(isLongcotError(error)).toBe(true);
  });

  test.each([undefined, null, "readModel: config.json", new Error("plain"), { ...FIELDS }])("is false of %o", (value) => {
    expect(isLongcotError(value)).toBe(false);
  });
});
