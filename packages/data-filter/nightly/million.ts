// The filter on made-up problems of 400 characters with planted near-duplicates and contamination: seconds, memory, what is found.
//   pnpm --dir packages/data-filter million [problems] [--datasketch PYTHON]
// --datasketch also times MinHashLSH of that package on the same statements (128 hash functions, word pairs, threshold 0.6).
import { execFileSync } from "node:child_process";
import { createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { parseArgs } from "node:util";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { createDuplicateFinder } from "../src/duplicates/find-duplicates.ts";
import { loadPrompts } from "../src/load-prompts.ts";
import { runPipeline } from "../src/run-pipeline.ts";
import { checkSchema } from "../src/steps/check-schema.ts";
import { dropContaminated } from "../src/steps/drop-contaminated.ts";
import { dropDuplicates } from "../src/steps/drop-duplicates.ts";

const { values, positionals } = parseArgs({ options: { datasketch: { type: "string" } }, allowPositionals: true });
const problems = Number(positionals[0] ?? 1_000_000);
const LENGTH = 400;
const VOCABULARY = 5000;
const BENCHMARK_PROBLEMS = 1000;
/** One problem in so many is a near-duplicate of an earlier one, and one a benchmark's. */
const [DUPLICATE_EVERY, CONTAMINATED_EVERY] = [50, 2000];
/** Words changed in a near-duplicate: the Jaccard similarity of its word pairs stays at 0.8 or more. */
const CHANGED_WORDS = 3;

const random = xoroshiro128plus(2026);
const below = (bound: number): number => uniformInt(random, 0, bound - 1);
const vocabulary = Array.from({ length: VOCABULARY }, () =>
  String.fromCharCode(...Array.from({ length: 2 + below(8) }, () => 97 + below(26))),
);
const word = (): string => (below(20) === 0 ? String(below(1000)) : vocabulary[below(VOCABULARY)]!);
function statement(): string[] {
  const words: string[] = [];
  for (let length = 0; length < LENGTH; length += words.at(-1)!.length + 1) words.push(word());
  return words;
}

const folder = mkdtempSync(join(tmpdir(), "longcot-million-"));
try {
  const benchmark = Array.from({ length: BENCHMARK_PROBLEMS }, () => statement().join(" "));
  const planted = { duplicates: new Set<number>(), contaminated: new Set<number>() };
  const texts: string[] = [];
  for (let row = 0; row < problems; row++) {
    if (row > 0 && below(CONTAMINATED_EVERY) === 0) {
      planted.contaminated.add(row);
      texts.push(`Problem ${below(50)}. ${benchmark[below(BENCHMARK_PROBLEMS)]!}`);
    } else if (row > 0 && below(DUPLICATE_EVERY) === 0) {
      planted.duplicates.add(row);
      const words = texts[below(row)]!.split(" ");
      const places = words.flatMap((text, place) => (/^[a-z]+$/.test(text) ? [place] : []));
      for (let i = 0; i < CHANGED_WORDS; i++) words[places[below(places.length)]!] = vocabulary[below(VOCABULARY)]!;
      texts.push(words.join(" "));
    } else texts.push(statement().join(" "));
  }
  const [input, benchmarkFile] = [join(folder, "problems.jsonl"), join(folder, "benchmark.jsonl")];
  await writeStatements(input, texts);
  await writeStatements(benchmarkFile, benchmark);

  const dropped = { duplicates: new Set<number>(), contamination: new Set<number>() };
  const start = performance.now();
  const steps = [
    checkSchema(),
    dropDuplicates(),
    dropContaminated([
      { name: "benchmark", fingerprint: "", statements: (await loadPrompts(benchmarkFile)).map(({ messages }) => messages[0]!.content) },
    ]),
  ];
  await runPipeline({
    sources: [{ files: [input] }],
    output: join(folder, "out.parquet"),
    folder: join(folder, "work"),
    steps: steps.map((step) => ({
      ...step,
      async run(context) {
        const result = await step.run(context);
        for (const { row } of result.dropped) dropped[step.name as keyof typeof dropped].add(row);
        return result;
      },
    })),
  });
  const missed = [...planted.duplicates].filter((row) => !dropped.duplicates.has(row)).length;
  const foreign = [...planted.contaminated].filter((row) => !dropped.contamination.has(row) && !dropped.duplicates.has(row)).length;
  const innocent = [...dropped.duplicates, ...dropped.contamination].filter(
    (row) => !planted.duplicates.has(row) && !planted.contaminated.has(row),
  ).length;
  const report = {
    problems,
    seconds: Math.round((performance.now() - start) / 1000),
    processor_seconds: Math.round(process.cpuUsage().user / 1e6),
    peak_mib: Math.round(process.resourceUsage().maxRSS / 1024),
    near_duplicates: planted.duplicates.size,
    missed,
    contaminated: planted.contaminated.size,
    contaminated_missed: foreign,
    dropped_wrongly: innocent,
  };
  console.log(JSON.stringify(report));
  if (values.datasketch !== undefined) console.log(JSON.stringify(await compare(texts, input, values.datasketch)));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function writeStatements(path: string, statements: readonly string[]): Promise<void> {
  const file = createWriteStream(path);
  for (const [index, content] of statements.entries())
    file.write(
      `${JSON.stringify({ data_source: "made-up", prompt: [{ role: "user", content }], ability: "math", reward_model: { style: "rule", ground_truth: "0" }, extra_info: { index } })}\n`,
    );
  file.end();
  await finished(file);
}

/** Seconds of our search alone and of datasketch's on the same statements. */
async function compare(statements: readonly string[], path: string, python: string) {
  const start = performance.now();
  const finder = createDuplicateFinder();
  for (const text of statements) finder.add(text, "0");
  const found = (await finder.find()).length;
  const ours = (performance.now() - start) / 1000;
  const program = `
import json, sys, time
from datasketch import MinHash, MinHashLSH
texts = [json.loads(line)["prompt"][0]["content"].split() for line in open(sys.argv[1])]
start = time.time(); lsh = MinHashLSH(threshold=0.6, num_perm=128); found = 0
for row, words in enumerate(texts):
    signature = MinHash(num_perm=128)
    signature.update_batch([(a + " " + b).encode() for a, b in zip(words, words[1:])])
    if lsh.query(signature): found += 1
    lsh.insert(str(row), signature)
print(json.dumps({"seconds": time.time() - start, "found": found}))`;
  const theirs = JSON.parse(execFileSync(python, ["-c", program, path], { encoding: "utf8" })) as { seconds: number; found: number };
  return { ours_s: ours, ours_found: found, datasketch_s: theirs.seconds, datasketch_found: theirs.found, ratio: theirs.seconds / ours };
}
