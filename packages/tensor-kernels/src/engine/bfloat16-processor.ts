// Whether TensorFlow's products of bfloat16 on this processor are oneDNN's, which sums them in float32.

import { readFileSync } from "node:fs";

/** oneDNN's own condition. Elsewhere TensorFlow takes Eigen's, which rounds its partial sums to bfloat16. */
const NEEDED = /\b(avx512f|avx_ne_convert)\b/;

let sums: boolean | undefined;

/** Asked of the kernel once; false where it does not tell. */
export function sumsBFloat16InFloat32(): boolean {
  return (sums ??= NEEDED.test(processorFlags()));
}

function processorFlags(): string {
  try {
    return readFileSync("/proc/cpuinfo", "utf8");
  } catch {
    return "";
  }
}
