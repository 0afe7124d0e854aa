// The work of `longcot doctor`: facts of the machine, then the engine that `auto` gives, opened and timed.
import { diagnose } from "@longcot/libtensorflow";
import type { Diagnosis, Missing } from "@longcot/libtensorflow";
import { openEngine } from "@longcot/tensor-kernels";
import type { IsolationLevel } from "@longcot/verifiers";
import { probeIsolation } from "@longcot/verifiers";
import { version_core as tfjsVersion } from "@tensorflow/tfjs-core";
import type { Examination, Finding } from "../cli/doctor.ts";
import { errorLine } from "../cli/run-cli.ts";
import { measureMatrixProduct } from "./matrix-product-speed.ts";

/** What opening the engine gave: it and its speed, or why there is none. */
type EngineFacts = { kind: string; description: string; threads: number; matrix_product_gflops: number } | { error: string };

/** Examines this machine, for two seconds at most; `version` is longcot's. */
export async function examineMachine(version: string): Promise<Examination> {
  const diagnosis = diagnose();
  const engine = await tryEngine(diagnosis.cpu.threads);
  const sandbox = await trySandbox();
  return {
    usable: !("error" in engine),
    findings: [...versions(version, diagnosis), ...engineFindings(diagnosis, engine), ...toolFindings(diagnosis), sandboxFinding(sandbox)],
    facts: { longcot: version, tfjs: tfjsVersion, ...diagnosis, engine, sandbox },
  };
}

async function tryEngine(threads: number): Promise<EngineFacts> {
  try {
    const engine = await openEngine({ threads });
    try {
      const speed = await measureMatrixProduct(engine);
      return { kind: engine.kind, description: engine.description, threads, matrix_product_gflops: Number(speed.toPrecision(4)) };
    } finally {
      await engine.close();
    }
  } catch (error) {
    return { error: errorLine(error) };
  }
}

/** How programs can be confined here, or why not at all. */
type SandboxFacts = { isolation: IsolationLevel; python: string; reasons: readonly string[] } | { error: string };

async function trySandbox(): Promise<SandboxFacts> {
  try {
    const { level, python, reasons } = await probeIsolation();
    return { isolation: level, python, reasons };
  } catch (error) {
    return { error: errorLine(error) };
  }
}

function sandboxFinding(sandbox: SandboxFacts): Finding {
  const fix = "apt install bubblewrap python3, and allow user namespaces, to train on code";
  if ("error" in sandbox) return { name: "code sandbox", state: "absent", value: sandbox.error, fix };
  const { isolation, python, reasons } = sandbox;
  if (isolation === "full") return ok("code sandbox", `isolation full, with ${python}`);
  return { name: "code sandbox", state: "absent", value: `isolation ${isolation} (${reasons[0]})`, fix };
}

function versions(version: string, { node, platform, libc, cpu, memory }: Diagnosis): Finding[] {
  return [
    ok("longcot", `${version}, tfjs ${tfjsVersion}, Node ${node}`),
    ok("platform", `${platform}${libc === undefined ? "" : `, ${libc === "musl" ? "musl" : `glibc ${libc}`}`}`),
    ok("processor", `${cpu.model}, ${cpu.threads} threads`),
    ok("memory", `${gibibytes(memory.freeBytes)} free of ${gibibytes(memory.totalBytes)}`),
  ];
}

function engineFindings({ libtensorflow }: Diagnosis, engine: EngineFacts): Finding[] {
  const library: Finding =
    "missing" in libtensorflow
      ? missing("libtensorflow", libtensorflow)
      : ok(
          "libtensorflow",
          `${libtensorflow.version} (${libtensorflow.variant}), from ${SOURCES[libtensorflow.source]}: ${libtensorflow.folder}`,
        );
  if ("error" in engine)
    return [library, missing("engine", { missing: engine.error, fix: "Run `longcot-libtensorflow install`, or choose --engine wasm" })];
  return [
    library,
    ok("engine", `${engine.kind}: ${engine.description}`),
    ok("speed", `${engine.matrix_product_gflops.toPrecision(3)} GFLOP/s, float32 products of 1024×1024 matrices, compiled`),
  ];
}

function toolFindings({ compiler, eagerBinding, nvidiaDriver, cudaLibraries }: Diagnosis): Finding[] {
  return [
    optional("C++ compiler", compiler),
    optional("eager binding", eagerBinding),
    nvidiaDriver === undefined
      ? { name: "GPU driver", state: "absent", value: "no NVIDIA driver: work runs on the processor" }
      : ok("GPU driver", nvidiaDriver),
    ...(cudaLibraries === undefined
      ? []
      : [cudaLibraries === "found" ? ok("CUDA libraries", "found") : missing("CUDA libraries", cudaLibraries)]),
  ];
}

const SOURCES = { environment: "LONGCOT_LIBTENSORFLOW", cache: "the user's cache" } as const;

function ok(name: string, value: string): Finding {
  return { name, state: "ok", value };
}

function missing(name: string, { missing: value, fix }: Missing): Finding {
  return { name, state: "missing", value, fix };
}

/** What only some uses need. */
function optional(name: string, found: string | Missing): Finding {
  return typeof found === "string" ? ok(name, found) : { ...missing(name, found), state: "absent" };
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
