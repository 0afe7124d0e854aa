// `longcot doctor`: what this machine has, what it lacks, and how fast it multiplies.
import type { AddCommand } from "./run-cli.ts";

/** One line of the examination. */
export interface Finding {
  name: string;
  /** `ok`; `missing` with a fix; `absent`: not there, and nothing needs it. */
  state: "ok" | "missing" | "absent";
  value: string;
  fix?: string;
}

export interface Examination {
  /** Whether an engine opened and computed. */
  usable: boolean;
  findings: readonly Finding[];
  /** For machines. */
  facts: object;
}

const MARKS = { ok: "✓", missing: "✗", absent: "–" } as const;

/** Adds the command around `examine`, which is loaded by the caller when it is first needed. */
export function doctorCommand(examine: (version: string) => Promise<Examination>, version: string): AddCommand {
  return (program) => {
    program
      .command("doctor")
      .description("Examine this machine: versions, TensorFlow's library, engine, device, compiler, speed of a matrix product.")
      .option("--json", "print the facts as JSON on stdout")
      .addHelpText("after", "\nExits with 1 where no engine works.\n\nExample:\n  longcot doctor")
      .action(async ({ json }: { json?: true }) => {
        const { usable, findings, facts } = await examine(version);
        process.stdout.write(json === true ? `${JSON.stringify(facts)}\n` : findingLines(findings));
        if (!usable) process.exitCode = 1;
      });
  };
}

function findingLines(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ name }) => name.length));
  const indent = " ".repeat(width + 4);
  return findings
    .map(
      ({ name, state, value, fix }) => `${MARKS[state]} ${name.padEnd(width)}  ${value}\n${fix === undefined ? "" : `${indent}→ ${fix}\n`}`,
    )
    .join("");
}
