// `longcot bench`: the speed of training, generation and a reinforcement-learning step, alone or beside the Python programs.
import { ConfigError } from "@longcot/errors";
import type { Precision } from "@longcot/tensor-kernels";
import { Argument, Option } from "commander";
import type { Command } from "commander";
import { addEngineOptions } from "./engine-options.ts";
import type { EngineFlags } from "./engine-options.ts";
import { existingFile, wholeNumber } from "./option-values.ts";
import type { AddCommand } from "./run-cli.ts";

export const BENCH_JOBS = ["train", "sft", "generate", "grpo", "compile", "grade", "buffer"] as const;
export type BenchJobName = (typeof BENCH_JOBS)[number];

/** Sizes of the model and of the work; those of tooling that other programs are timed with. */
export interface BenchShapes {
  vocab: number;
  hidden: number;
  layers: number;
  heads: number;
  kvHeads: number;
  ffn: number;
  /** train: sequences, and tokens of each. */
  batch: number;
  time: number;
  /** generate: prompts; generate and grpo: their tokens, and new tokens of each. */
  sequences: number;
  prompt: number;
  new: number;
  /** grpo: responses, and how many of them share a prompt. */
  completions: number;
  group: number;
}

const SHAPES: readonly (readonly [name: keyof BenchShapes, flag: string, standard: number, words: string])[] = [
  ["vocab", "vocab", 512, "tokens of the vocabulary"],
  ["hidden", "hidden", 256, "width of the model"],
  ["layers", "layers", 4, "blocks"],
  ["heads", "heads", 4, "attention heads"],
  ["kvHeads", "kv-heads", 4, "key and value heads"],
  ["ffn", "ffn", 768, "width inside a block"],
  ["batch", "batch", 16, "train: sequences; sft: rows"],
  ["time", "time", 128, "train: tokens of a sequence; sft: most of an example"],
  ["sequences", "sequences", 64, "generate: prompts"],
  ["prompt", "prompt", 16, "generate, grpo, sft: tokens of a prompt"],
  ["new", "new", 128, "generate, grpo: new tokens of a sequence"],
  ["completions", "completions", 64, "grpo: responses of a step"],
  ["group", "group", 8, "grpo: responses of a prompt"],
];

/** `--ragged`: sequences end by themselves, since every 64th token drawn is the end token. */
const RAGGED = { vocab: 64, new: 512 };

export interface BenchPlan extends EngineFlags {
  precision: Precision;
  xla: boolean;
  jobs: readonly BenchJobName[];
  shapes: BenchShapes;
  ragged: boolean;
  /** Measurements per figure; training takes twice as many. */
  repeats: number;
  /** A program with the interface of peers.py to alternate with; undefined: ours alone. */
  against?: string;
  /** Runs the other program, and pickles for buffer. */
  python: string;
  /** buffer: MiB of the step's token columns. */
  mib: number;
  rounds: number;
  json: boolean;
}

type Flags = BenchShapes &
  Pick<BenchPlan, "repeats" | "python" | "mib" | "rounds" | "against" | "precision"> &
  EngineFlags & { ragged?: true; xla?: true; json?: true };

/** Adds the command around `run`, which is loaded by the caller when it is first needed. */
export function benchCommand(run: (plan: BenchPlan) => Promise<void>): AddCommand {
  return (program) => {
    const command = program
      .command("bench")
      .description(
        "Time a training step, generation and a reinforcement-learning step of a new model with random weights; the grader; the rollout buffer.",
      )
      .addArgument(new Argument("[job...]", "what to time (default: train generate grpo)").choices(BENCH_JOBS));
    for (const [, flag, standard, words] of SHAPES) command.option(`--${flag} <N>`, words, wholeNumber(1), standard);
    command
      .option("--ragged", `sequences end at random: vocabulary ${RAGGED.vocab}, cap ${RAGGED.new}, end token 1`)
      .option("--repeats <N>", "measurements per figure, twice as many for train", wholeNumber(1), 5)
      .option("--against <file>", "alternate with this program, which takes the same job names and flags (peers.py)", existingFile)
      .option("--python <path>", "what runs it, and pickles for buffer", "python3")
      .option("--mib <N>", "buffer: size of the step", wholeNumber(1), 1024)
      .option("--rounds <N>", "how often both are run in turn", wholeNumber(1), 3)
      .addOption(new Option("--precision <name>", "what dense layers multiply in").choices(["float32", "bfloat16"]).default("float32"))
      .option("--xla", "compile by XLA")
      .option("--json", "print one JSON line per job on stdout");
    addEngineOptions(command)
      .addHelpText(
        "after",
        "\nsft learns examples of many lengths, packed into rows of --time; its figure is completion tokens (peer: src/bench/sft-peer.py, TRL). compile times the training step traced against the same step op by op. grpo draws groups, rewards the number of distinct tokens,\nand updates once with the MAGIC loss. grade runs a trivial program in the code grader's sandbox. buffer writes and seals a step, hands it from one thread to another,\nmoves the same rows by structured clone, JSON and pickle, and reads it back from its file; it takes four times --mib of memory. Figures of different machines, or of a busy one, do not compare: see load_average.\n\nExamples:\n  longcot bench\n  longcot bench generate --ragged --json\n  longcot bench train generate --against peers.py --python .venv/bin/python --rounds 5",
      )
      .action(async (jobs: BenchJobName[], flags: Flags) => run(planOf(command, jobs, flags)));
  };
}

function planOf(command: Command, named: readonly BenchJobName[], { ragged, xla, json, ...flags }: Flags): BenchPlan {
  const jobs: readonly BenchJobName[] = named.length === 0 ? ["train", "generate", "grpo"] : named;
  const refuse = (argument: string, expected: string, received: string): never => {
    throw new ConfigError({ who: "bench", argument, expected, received });
  };
  const given = (name: string): boolean => command.getOptionValueSource(name) === "cli";
  const shapes = Object.fromEntries(SHAPES.map(([name]) => [name, flags[name]])) as unknown as BenchShapes;
  if (ragged === true) {
    for (const name of ["vocab", "new"] as const) if (given(name)) refuse(`--${name}`, "left out with --ragged", String(flags[name]));
    Object.assign(shapes, RAGGED);
  }
  if (shapes.vocab < 4) refuse("--vocab", "at least 4", String(shapes.vocab));
  if (shapes.hidden % shapes.heads !== 0 || (shapes.hidden / shapes.heads) % 2 !== 0)
    refuse("--heads", `such that --hidden (${shapes.hidden}) gives an even size to each`, String(shapes.heads));
  if (shapes.heads % shapes.kvHeads !== 0) refuse("--kv-heads", `a divisor of --heads (${shapes.heads})`, String(shapes.kvHeads));
  if (shapes.completions % shapes.group !== 0)
    refuse("--group", `a divisor of --completions (${shapes.completions})`, String(shapes.group));
  if (flags.against === undefined) {
    for (const name of ["python", "rounds"])
      if (given(name) && !(name === "python" && jobs.includes("buffer")))
        refuse(`--${name}`, "left out without --against", String(flags[name as "python"]));
  } else {
    const own = jobs.find((job) => ["compile", "grade", "buffer"].includes(job));
    if (own !== undefined) refuse("--against", `left out for ${own}, which no other program has`, flags.against);
    if (shapes.kvHeads !== shapes.heads) refuse("--kv-heads", "as --heads with --against", String(shapes.kvHeads));
  }
  return { ...flags, jobs, shapes, ragged: ragged === true, xla: xla === true, json: json === true };
}
