#!/usr/bin/env node
// The command `longcot-libtensorflow`. Run by the install step, so: quick when there is nothing to do, and never a reason for
// an installation to fail. The machinery of installing is loaded only when it is needed.
import { parseArgs } from "node:util";
import { isLongcotError } from "@longcot/errors";
import { type LibtensorflowLocation, locateLibtensorflow } from "./locate.ts";
import { createNarrator } from "./narrator.ts";
import type { Variant } from "./release.ts";
import { automaticVariant, isWanted } from "./wanted-variant.ts";

const HELP = `longcot-libtensorflow: TensorFlow's C library for longcot

  install [--variant cpu|cuda] [--strict]   make it available: one already there, else TensorFlow's wheel through pip or uv,
                                            else tfjs-node's own installer, else say that the wasm engine will be used.
                                            Exits 0 in any case; with --strict 1 when there is no library
  where                                     print the library's folder, or exit 1
  build-eager-binding                       compile tfjs-node's binding against it, for eager mode
  doctor                                    print what this machine has, as JSON

LONGCOT_LIBTENSORFLOW   a folder with the two libraries (and include/), to use instead of an installed one
XDG_CACHE_HOME          where the per-user cache lies (longcot/libtensorflow in it)
`;

const narrator = createNarrator(process.stdout);

interface Flags {
  variant: Variant | undefined;
  strict: boolean;
}

async function main(): Promise<number> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      variant: { type: "string" },
      strict: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const [verb, ...rest] = positionals;
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const { variant } = values;
  if (
    rest.length > 0 ||
    (variant !== undefined && variant !== "cpu" && variant !== "cuda") ||
    (verb !== "install" && (variant !== undefined || values.strict))
  )
    return usage();
  switch (verb) {
    case "install":
      return install({ variant, strict: values.strict });
    case "where":
      return where();
    case "build-eager-binding":
      return buildBinding();
    case "doctor": {
      const { diagnose } = await import("./diagnose.ts");
      process.stdout.write(`${JSON.stringify(diagnose(), undefined, 2)}\n`);
      return 0;
    }
    case undefined:
    default:
      return usage();
  }
}

async function install({ variant, strict }: Flags): Promise<number> {
  const startMs = performance.now();
  try {
    const found = locateLibtensorflow();
    if (found !== undefined && isWanted(found, variant ?? automaticVariant(process.env))) {
      if (process.stdout.isTTY) narrator.say(`${described(found)} is there`);
      return 0;
    }
    const { installLibtensorflow } = await import("./install.ts");
    const outcome = await withSignal((signal) => installLibtensorflow({ ...(variant && { variant }), narrator, signal }));
    if (outcome.location === undefined) {
      narrator.say(
        "none can be had here: longcot will use the wasm engine (same results, slower). Run `pnpm longcot doctor` for what is missing",
      );
      return strict ? 1 : 0;
    }
    if (outcome.how !== "found")
      narrator.say(`installed ${described(outcome.location)} in ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
    return 0;
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    // A defect here must not cost the user their whole installation either; its trace is shown all the same.
    narrator.say(isLongcotError(error) ? error.message : `internal: ${error instanceof Error ? error.stack : String(error)}`);
    return strict ? 1 : 0;
  }
}

function where(): number {
  const location = locateLibtensorflow();
  process.stdout.write(location === undefined ? "" : `${location.folder}\n`);
  if (location === undefined) process.stderr.write("libtensorflow: not installed; run `longcot-libtensorflow install`\n");
  return location === undefined ? 1 : 0;
}

async function buildBinding(): Promise<number> {
  const startMs = performance.now();
  const { buildEagerBinding } = await import("./eager-binding.ts");
  const binding = await withSignal((signal) => buildEagerBinding({ narrator, signal }));
  narrator.say(`${binding.file} is ready, ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
  return 0;
}

function described({ version, variant, folder }: LibtensorflowLocation): string {
  return `TensorFlow ${version} (${variant}) at ${folder}`;
}

function usage(): number {
  process.stderr.write(HELP);
  return 2;
}

/** Runs `work` so that Ctrl-C ends it by the signal, with its own cleaning up, instead of at once. */
async function withSignal<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = (name: NodeJS.Signals): void => controller.abort(new Interrupted(name));
  const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of names) process.on(name, stop);
  try {
    return await work(controller.signal);
  } finally {
    for (const name of names) process.off(name, stop);
  }
}

class Interrupted extends Error {
  readonly exitStatus: number;
  constructor(name: NodeJS.Signals) {
    super(`stopped by ${name}; nothing half-written is left`);
    this.exitStatus = name === "SIGINT" ? 130 : name === "SIGTERM" ? 143 : 129;
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  if (error instanceof Interrupted) {
    narrator.say(error.message);
    process.exitCode = error.exitStatus;
  } else if (isLongcotError(error) || (error as NodeJS.ErrnoException).code?.startsWith("ERR_PARSE_ARGS")) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = 1;
  } else throw error;
}
