// The package clients a machine may have, and how each is asked for one wheel file.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type Environment, findExecutable } from "./host.ts";
import { type Wheel, WHEEL_PYTHON } from "./release.ts";

const run = promisify(execFile);

/** A Python start from a cold disk can take seconds; one that takes longer than this is broken. */
const PROBE_TIMEOUT_MS = 60_000;

/** A command that understands pip's arguments. */
export interface WheelClient {
  /** As a user would type it. */
  name: string;
  file: string;
  leadingArguments: readonly string[];
}

/**
 * The clients to try, in order: the first pip that answers (`python3 -m pip`, `pip3`, `pip`), then uv, which runs a pip of its own.
 * Two pips of one machine would fail alike, so only one is tried.
 */
export async function wheelClients(environment: Environment, signal?: AbortSignal): Promise<WheelClient[]> {
  const clients: WheelClient[] = [];
  for (const [program, ...leadingArguments] of [["python3", "-m", "pip"], ["pip3"], ["pip"]] as const) {
    const file = findExecutable(program, environment);
    if (file === undefined) continue;
    const client = { name: [program, ...leadingArguments].join(" "), file, leadingArguments };
    if (await answers(client, environment, signal)) {
      clients.push(client);
      break;
    }
  }
  const uv = findExecutable("uv", environment);
  if (uv !== undefined) clients.push({ name: "uv tool run pip", file: uv, leadingArguments: ["tool", "run", "--quiet", "pip"] });
  return clients;
}

async function answers(client: WheelClient, environment: Environment, signal?: AbortSignal): Promise<boolean> {
  try {
    await run(client.file, [...client.leadingArguments, "--version"], {
      env: { ...environment },
      timeout: PROBE_TIMEOUT_MS,
      ...(signal && { signal }),
    });
    return true;
  } catch (error) {
    signal?.throwIfAborted();
    // A Python without pip, or a shim without a Python: not a client, which is what the caller asks.
    if (error instanceof Error) return false;
    throw error;
  }
}

/** Arguments that fetch exactly this wheel file, whatever Python the client runs on, without dependencies or a second copy in a cache. */
export function downloadArguments(client: WheelClient, wheel: Wheel, destination: string): string[] {
  return [
    ...client.leadingArguments,
    "download",
    "--no-deps",
    "--no-cache-dir",
    "--no-input",
    "--disable-pip-version-check",
    "--progress-bar=off",
    "--only-binary=:all:",
    "--implementation=cp",
    `--python-version=${WHEEL_PYTHON}`,
    `--abi=cp${WHEEL_PYTHON.replace(".", "")}`,
    `--platform=${wheel.platformTag}`,
    `--dest=${destination}`,
    `${wheel.package}==${wheel.version}`,
  ];
}
