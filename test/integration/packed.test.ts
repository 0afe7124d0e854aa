// @longcot/ppo-loss as its users get it: packed, unpacked in a folder outside of the workspace, with tfjs beside it and nothing else.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expectClose } from "@longcot/vitest-config/close-to";
import { expect, test } from "vitest";
import { scratchFolder } from "./scratch-folder.ts";

const workspace = fileURLToPath(new URL("../../", import.meta.url));
const ppoLoss = join(workspace, "packages", "ppo-loss");
const EXAMPLE = "loss-and-gradient.mjs";

/** Builds and packs a package, and unpacks it where a user's node_modules would have it. */
function installPacked(name: string, modules: string): void {
  const source = join(workspace, "packages", name);
  const tarballs = join(modules, "..", "tarballs", name);
  mkdirSync(tarballs, { recursive: true });
  const pnpm = (...args: string[]) => execFileSync("pnpm", args, { cwd: source, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  pnpm("exec", "tsup", "--no-dts");
  pnpm("pack", "--pack-destination", tarballs);
  const target = join(modules, "@longcot", name);
  mkdirSync(target, { recursive: true });
  execFileSync("tar", ["-xzf", join(tarballs, readdirSync(tarballs)[0]!), "-C", target, "--strip-components=1"]);
}

test("the example of fewer than 25 lines runs on the packed package: a loss and its gradient from plain tensors", () => {
  const project = join(scratchFolder(), "outside");
  const modules = join(project, "node_modules");
  for (const name of ["errors", "ppo-loss"]) installPacked(name, modules);
  mkdirSync(join(modules, "@tensorflow"), { recursive: true });
  for (const name of ["tfjs", "tfjs-core"])
    symlinkSync(join(ppoLoss, "node_modules", "@tensorflow", name), join(modules, "@tensorflow", name));

  const packed = JSON.parse(readFileSync(join(modules, "@longcot", "ppo-loss", "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  expect(Object.values(packed.dependencies).filter((version) => version.startsWith("workspace:"))).toEqual([]);
  const example = join(ppoLoss, "examples", EXAMPLE);
  expect(readFileSync(example, "utf8").trim().split("\n").length).toBeLessThan(25);
  copyFileSync(example, join(project, EXAMPLE));
  const { loss, gradient } = JSON.parse(
    execFileSync(process.execPath, [EXAMPLE], { cwd: project, encoding: "utf8" }).trim().split("\n").at(-1)!,
  ) as {
    loss: number;
    gradient: number[];
  };
  // A = ±0.7071058. Ratios e^0.1, 1 and e^−0.4, the last clipped at 0.8: −(A (1.1051709 + 1) − 0.8 A) / 3; gradients −ρA / 3.
  const advantage = 0.5 / (Math.SQRT1_2 + 1e-6);
  expectClose([loss], [(-advantage * (Math.exp(0.1) + 1 - 0.8)) / 3], { rtol: 1e-5 });
  expectClose(gradient, [(-advantage * Math.exp(0.1)) / 3, -advantage / 3, 0, 0], { rtol: 1e-5, atol: 1e-8 });
});
