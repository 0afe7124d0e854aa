// Loads a model directory and prints, as JSON, bytes: resident before, at the peak, and the weights as held. Linux.

import { readFileSync } from "node:fs";
import { openEngine } from "@longcot/tensor-kernels";
import { countParameters, loadLanguageModel } from "../model/language-model.ts";

const resident = (field: "VmRSS" | "VmHWM"): number =>
  Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(readFileSync("/proc/self/status", "utf8"))![1]) * 1024;

const engine = await openEngine({ engine: "tensorflow", threads: 2 });
const before = resident("VmRSS");
const model = await loadLanguageModel(engine, process.argv[2]!);
const weights = countParameters(model) * Float32Array.BYTES_PER_ELEMENT;
process.stdout.write(JSON.stringify({ before, peak: resident("VmHWM"), weights }));
await engine.close();
