import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createFakeMachine, type FakeMachine } from "../fixtures/fake-machine.ts";
import type { Narrator } from "./narrator.ts";
import { installWithPackageScript } from "./package-installer.ts";
import { libraryNames, PACKAGE_INSTALLER_ENTRY } from "./release.ts";
import { findTfjsPackage } from "./tfjs-package.ts";

const names = libraryNames();
const silent: Narrator = { say: () => undefined, progress: () => undefined };
let machine: FakeMachine;
let server: Server | undefined;
beforeEach(() => void (machine = createFakeMachine()));
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
  machine.remove();
});

/** Serves `answer` for every path; undefined never answers. */
async function serve(answer: Buffer | undefined): Promise<void> {
  const started = createServer((_request, response) => answer && response.end(answer));
  server = started;
  await new Promise<void>((resolve) => started.listen(0, "127.0.0.1", resolve));
  machine.environment.TFJS_NODE_CDN_STORAGE = `http://127.0.0.1:${(started.address() as AddressInfo).port}/`;
}

/** An archive as tfjs-node's host serves it: versioned libraries, links to them, headers. */
function archive(): Buffer {
  const content = join(machine.home, "archive");
  mkdirSync(join(content, "lib"), { recursive: true });
  mkdirSync(join(content, "include", "tensorflow", "c"), { recursive: true });
  const extension = process.platform === "darwin" ? [".2.9.1.dylib", ".2.dylib"] : [".so.2.9.1", ".so.2"];
  for (const name of ["libtensorflow", "libtensorflow_framework"]) {
    writeFileSync(join(content, "lib", `${name}${extension[0]}`), name);
    symlinkSync(`${name}${extension[0]}`, join(content, "lib", `${name}${extension[1]}`));
  }
  writeFileSync(join(content, "include", "tensorflow", "c", "c_api.h"), "// header");
  return execFileSync("tar", ["-cz", "-C", content, "lib", "include"]);
}

const install = (silenceMs?: number) =>
  installWithPackageScript({
    packageFolder: findTfjsPackage()!,
    root: machine.root,
    environment: machine.environment,
    narrator: silent,
    ...(silenceMs !== undefined && { silenceMs }),
  });

test("tfjs-node's own script is run in a copy, and what it downloads is found like a wheel's", async () => {
  await serve(archive());
  const before = readdirSync(findTfjsPackage()!);
  const location = await install();
  expect(location).toMatchObject({ version: "2.9.1", variant: "cpu", source: "cache" });
  expect(readFileSync(location.ccLibrary, "utf8")).toBe("libtensorflow");
  expect(readFileSync(location.frameworkLibrary, "utf8")).toBe("libtensorflow_framework");
  expect(readFileSync(join(location.folder, "include", "tensorflow", "c", "c_api.h"), "utf8")).toBe("// header");
  expect(readdirSync(location.folder).toSorted()).toEqual(["include", names.cc, names.framework].toSorted());
  expect(readdirSync(machine.root)).toEqual([`${PACKAGE_INSTALLER_ENTRY}-cpu-${process.platform}-${process.arch}`]);
  expect(readdirSync(findTfjsPackage()!)).toEqual(before);
});

test("a host that answers with something else leaves nothing", async () => {
  await serve(Buffer.from("<html>blocked</html>"));
  await expect(install()).rejects.toThrow("tfjs-node's install script: expected libtensorflow and libtensorflow_framework");
  expect(readdirSync(machine.root)).toEqual([]);
});

test("a host that never answers is given up", async () => {
  await serve(undefined);
  await expect(install(1500)).rejects.toThrow("nothing arrived for 1.5 s");
  expect(readdirSync(machine.root)).toEqual([]);
});
