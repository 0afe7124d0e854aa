// Hostile submissions with an honest neighbour after each. All of it needs isolation `full`; without it the suite says that it is left out.
// LONGCOT_HOSTILE_SUBMISSIONS=5000 runs the large version; the default tries each program once.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { HOSTILE_PROGRAMS, type HostileProgram } from "../../fixtures/hostile-programs.ts";
import { createVerifierPool } from "../verifier-pool.ts";
import type { VerifyRequest } from "../verify-request.ts";
import { probeIsolation } from "./sandbox.ts";

const isolation = await probeIsolation().catch((error: Error) => ({ level: error.message }));
const isFull = isolation.level === "full";
const submissions = Number(process.env["LONGCOT_HOSTILE_SUBMISSIONS"] ?? 2 * HOSTILE_PROGRAMS.length);
const TOKEN = `longcot-hostile-${process.pid}`;
/** By how much the heaps of two grading processes may differ between two moments, MiB. */
const HEAP_ROOM_MIB = 96;
/** What the judged process must never hold; the expected output itself. */
const SECRET = "SECRET-EXPECTED-OUTPUT";

const fence = (source: string, language = "python"): string => `\`\`\`${language}\n${source}\n\`\`\``;

function hostile(id: number, { source, language, kind = "stdin" }: HostileProgram): VerifyRequest {
  const truths = {
    stdin: { inputs: ["3\n1 2 3\n"], outputs: [SECRET] },
    calls: { fn_name: "f", inputs: ["1"], outputs: ["6"] },
    tests: { assert_case: ["assert f(1) == 6"] },
  };
  return {
    id: String(id),
    ability: "code",
    response: fence(source.replaceAll("TOKEN", TOKEN), language),
    groundTruth: JSON.stringify(truths[kind]),
  };
}

const HONEST_PROGRAMS: readonly [source: string, truth: object][] = [
  ["n = int(input())\nprint(sum(map(int, input().split())))", { inputs: ["3\n1 2 3\n"], outputs: ["6\n"] }],
  ["import os\nprint(os.listdir('/tmp'), len(os.listdir('/dev/shm')))", { inputs: [""], outputs: ["[] 0"] }],
  ["def f(x): return sorted(x)", { fn_name: "f", inputs: ["[3, 1, 2]"], outputs: ["[1, 2, 3]"] }],
  ["import os\nprint(len([p for p in os.listdir('/proc') if p.isdigit()]), abs(-5), max(1, 2))", { inputs: [""], outputs: ["1 5 2"] }],
];

function honest(id: number, i: number): VerifyRequest {
  const [source, truth] = HONEST_PROGRAMS[i % HONEST_PROGRAMS.length]!;
  return { id: String(id), ability: "code", response: fence(source), groundTruth: JSON.stringify(truth) };
}

/** Process ids below this one, with their process namespaces. */
function descendants(): Map<number, string> {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    const stat = readText(`/proc/${name}/stat`);
    if (stat !== undefined) parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
  }
  const isBelow = (pid: number): boolean => pid === process.pid || (parents.has(pid) && isBelow(parents.get(pid)!));
  return new Map([...parents.keys()].filter((pid) => pid !== process.pid && isBelow(pid)).map((pid) => [pid, namespaceOf(pid)]));
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function namespaceOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return "";
  }
}

const residentMib = (pids: Iterable<number>): number =>
  [...pids].reduce((sum, pid) => sum + Number(/VmRSS:\s+(\d+)/.exec(readText(`/proc/${pid}/status`) ?? "")?.[1] ?? 0) / 1024, 0);

describe.skipIf(!isFull)(
  `hostile programs${isFull ? "" : ` (left out: they need isolation "full", this machine has ${isolation.level}; apt install bubblewrap)`}`,
  () => {
    test(
      `${submissions} submissions, every second one honest`,
      async () => {
        const pool = createVerifierPool({
          jobs: 2,
          code: { cpuTimeS: 0.5, wallTimeS: 30, memoryMib: 256, stackMib: 128, outputMib: 4, processes: 32 },
        });
        const requests = Array.from({ length: submissions }, (_, i) => {
          const round = Math.floor(i / 2);
          return i % 2 === 0 ? hostile(i, HOSTILE_PROGRAMS[round % HOSTILE_PROGRAMS.length]!) : honest(i, round);
        });
        const ownNamespace = namespaceOf(process.pid);
        const namespaces = new Set<string>();
        const memory: number[] = [];
        const wrong: string[] = [];
        const slice = 2 * Math.ceil(submissions / 20);
        let done = 0;
        for (let from = 0; from < submissions; from += slice) {
          // In order, so that each honest program follows its neighbour in the same box.
          for await (const verdict of pool.gradeEach(requests.slice(from, from + slice))) {
            const program = HOSTILE_PROGRAMS[Math.floor(done / 2) % HOSTILE_PROGRAMS.length]!;
            const [name, allowed] = done % 2 === 0 ? [program.name, program.outcomes] : [`honest after ${program.name}`, ["correct"]];
            if (!allowed.includes(verdict.outcome)) wrong.push(`${name}: ${verdict.outcome} ${verdict.detail}`);
            done++;
          }
          const below = descendants();
          for (const namespace of below.values()) if (namespace !== "" && namespace !== ownNamespace) namespaces.add(namespace);
          memory.push(residentMib(below.keys()));
        }
        expect(wrong).toEqual([]);
        expect(done).toBe(submissions);
        await pool.close();

        expect([...descendants().keys()]).toEqual([]);
        const left = readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && namespaces.has(namespaceOf(Number(pid))));
        expect(left).toEqual([]);
        const folders = ["/tmp", "/dev/shm", "/dev", "/", "/usr/lib", process.cwd()];
        const strays = folders.flatMap((folder) => readdirSync(folder).filter((name) => name.includes(TOKEN)));
        expect(strays).toEqual([]);
        // Flat: idle, the pool is no larger in the end than when all of it had started, but for what Node's heaps keep.
        expect(memory.at(-1)).toBeLessThan(memory[1]! + HEAP_ROOM_MIB);
      },
      submissions * 2_000,
    );
  },
);
