// Boxes that open when needed, at the best level this machine offers, and are replaced when they die or get old.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ConfigError } from "@longcot/errors";
import { Box, BoxError, type BoxLimits, type BoxRequest, type BoxResult } from "./box.ts";
import { boxPlans, findPython, reaches, type BoxPlan, type IsolationLevel } from "./isolation.ts";

/** Programs after which a box is replaced, so that nothing it leaks can add up. */
const RUNS_PER_BOX = 2_000;
const PROBE_LIMITS: BoxLimits = {
  cpu_s: 5,
  wall_s: 15,
  memory_mib: 256,
  stack_mib: 64,
  scratch_mib: 4,
  file_mib: 4,
  output_mib: 1,
  files: 32,
  processes: 16,
  count_sleep: true,
};

/** What a sandbox is made of. */
export interface SandboxOptions {
  /** The weakest level to run at; default `full`. */
  readonly isolation?: IsolationLevel;
  /** Largest stack that runs will ask for, MiB. */
  readonly stackMib?: number;
}

/** What this machine offers. `reasons`: why better plans do not work. */
export interface Isolation {
  readonly level: IsolationLevel;
  readonly plan: BoxPlan;
  readonly python: string;
  readonly pythonFolders: readonly string[];
  readonly reasons: readonly string[];
}

/**
 * Finds the best level by running a program at it.
 * @throws ConfigError where not even limits work: no Linux, or no CPython.
 */
export async function probeIsolation({ stackMib = 64 }: SandboxOptions = {}): Promise<Isolation> {
  const python = findPython();
  if (process.platform !== "linux" || python === undefined)
    throw refusal(process.platform === "linux" ? "no python3 on this machine" : `${process.platform}, where programs cannot be confined`);
  const pythonFolders = await foldersOf(python);
  const reasons: string[] = [];
  for (const plan of boxPlans()) {
    let box: Box | undefined;
    try {
      box = await Box.open(plan, { python, pythonFolders, stackMib });
      const result = await box.run({
        mode: "stdin",
        language: "python",
        source: "import os\nprint(os.getpid())",
        stdin: "",
        limits: PROBE_LIMITS,
      });
      const pid = result.stdout.toString().trim();
      if (result.exitCode !== 0 || (plan.namespaces && pid !== "1"))
        throw new BoxError(`a program ended with ${result.exitCode} ${result.stderr}`);
      return { level: plan.level, plan, python, pythonFolders, reasons };
    } catch (error) {
      if (!(error instanceof BoxError)) throw error;
      reasons.push(`${plan.level}: ${error.message}`);
    } finally {
      await box?.close();
    }
  }
  throw refusal(reasons.join("; "));
}

/** Refuses where `isolation` does not reach `required`, saying what to install. @throws ConfigError */
export function checkIsolation({ level, reasons }: Isolation, required: IsolationLevel): void {
  if (reaches(level, required)) return;
  throw new ConfigError({
    who: "code grader",
    argument: "isolation",
    expected: `at least "${required}", so that untrusted programs may run`,
    received: `"${level}" on this machine (${reasons[0] ?? "no reason given"})`,
    fix: "Install bubblewrap (apt install bubblewrap) and allow user namespaces, or accept less by setting the required level",
  });
}

function refusal(received: string): ConfigError {
  return new ConfigError({
    who: "code grader",
    expected: "Linux with CPython 3.9 or later",
    received,
    fix: "Install them (apt install python3 bubblewrap), or name an interpreter in LONGCOT_SANDBOX_PYTHON",
  });
}

/** Folders outside /usr that the interpreter needs. */
async function foldersOf(python: string): Promise<string[]> {
  const script =
    "import sys,os\nprint(*{os.path.realpath(p) for p in (sys.prefix, sys.base_prefix, sys.exec_prefix, os.path.dirname(sys.executable))}, sep='\\n')";
  try {
    const { stdout } = await promisify(execFile)(python, ["-s", "-S", "-c", script], { timeout: 20_000 });
    return stdout.split("\n").filter((folder) => folder !== "" && folder !== "/usr" && !folder.startsWith("/usr/"));
  } catch (error) {
    throw refusal(`${python}, which does not run (${(error as Error).message.split("\n")[0]})`);
  }
}

/** One box at a time, opened at the first run. Solutions and what judges them want two sandboxes. */
export class Sandbox {
  readonly #isolation: Isolation;
  readonly #stackMib: number;
  #box: Box | undefined;

  constructor(isolation: Isolation, stackMib: number) {
    this.#isolation = isolation;
    this.#stackMib = stackMib;
  }

  /** An open box that is not worn out. */
  async box(): Promise<Box> {
    if (this.#box !== undefined && (!this.#box.isOpen || this.#box.runs >= RUNS_PER_BOX)) {
      await this.#box.close();
      this.#box = undefined;
    }
    const { plan, python, pythonFolders } = this.#isolation;
    return (this.#box ??= await Box.open(plan, { python, pythonFolders, stackMib: this.#stackMib }));
  }

  /** Runs one program. @throws BoxError where the box dies; the next run opens another. */
  async run(request: BoxRequest): Promise<BoxResult> {
    return (await this.box()).run(request);
  }

  async close(): Promise<void> {
    await this.#box?.close();
    this.#box = undefined;
  }
}
