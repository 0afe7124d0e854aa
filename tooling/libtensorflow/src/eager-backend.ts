// Registers tfjs-node's backend with a compiled binding from the cache, without tfjs-node's own search for one.
import { createRequire } from "node:module";
import { join } from "node:path";
import { ConfigError } from "@longcot/errors";
import type { EagerBinding } from "./eager-binding.ts";

/** The part of `@tensorflow/tfjs-core` that registration needs. */
export interface TfjsCore {
  engine(): object;
  findBackendFactory(name: string): unknown;
  // A backend is opaque here; tfjs-core's own type of it is wider than what any caller could check.
  registerBackend(name: string, factory: () => any, priority?: number): boolean;
}

/** The name tfjs-node's kernels are registered under; it cannot be another. */
export const EAGER_BACKEND = "tensorflow";

/** Above wasm (2) and cpu (1), as tfjs-node itself has it. */
const PRIORITY = 3;

/**
 * Registers the backend `tensorflow` and its kernels with `tf`; false where it was registered already. `tf.setBackend("tensorflow")`
 * then selects it. What `dist/index.js` of tfjs-node adds besides (file handlers, progress bars, SavedModel) is not loaded.
 *
 * @throws ConfigError when `tf` is another copy of tfjs-core than the one that tfjs-node uses.
 */
export function registerEagerBackend(tf: TfjsCore, binding: EagerBinding): boolean {
  if (tf.findBackendFactory(EAGER_BACKEND) != null) return false;
  const require = createRequire(join(binding.packageFolder, "package.json"));
  defineIsNullOrUndefined(require("util") as Record<string, unknown>);
  const theirs = require("@tensorflow/tfjs") as TfjsCore;
  if (theirs.engine() !== tf.engine()) {
    throw new ConfigError({
      who: "registerEagerBackend",
      argument: "tf",
      expected: `the tfjs-core that ${binding.packageFolder} uses`,
      received: "another copy",
      fix: "Install one version of tfjs",
    });
  }
  const { name } = require("./package.json") as { name: string };
  const native: unknown = require(binding.file);
  require("./dist/register_all_kernels");
  const { NodeJSKernelBackend } = require("./dist/nodejs_kernel_backend") as {
    NodeJSKernelBackend: new (binding: unknown, packageName: string) => object;
  };
  return tf.registerBackend(EAGER_BACKEND, () => new NodeJSKernelBackend(native, name), PRIORITY);
}

/** tfjs-node 4.22 calls `util.isNullOrUndefined`, which Node 23 removed. */
function defineIsNullOrUndefined(util: Record<string, unknown>): void {
  util.isNullOrUndefined ??= (value: unknown): boolean => value === null || value === undefined;
}
