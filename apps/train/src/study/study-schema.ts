// The recipe of a study: a base recipe, cells that change it, seeds, and how much may run for how long.
import { z } from "zod";

const CELL_NAME = /^[A-Za-z0-9][A-Za-z0-9._=,+-]*$/;
const count = z.int().min(1);

/** Overrides of the base recipe: dotted keys as `--set` takes them; `stages.*.key` changes every stage; null removes a key. */
const overrides = z.record(z.string().min(1), z.unknown());

const cell = z.strictObject({
  /** Names the cell's folder and its curves. */
  name: z.string().regex(CELL_NAME, "a name of letters, digits, '.', '_', '=', ',', '+' and '-'"),
  /** The training recipe that the cell changes, in place of `base`: the name or path of one. */
  recipe: z.string().min(1).optional(),
  set: overrides.default({}),
});

/** Schema of a study; {@link loadStudy} also resolves and checks every cell. */
export const studySchema = z.strictObject({
  name: z.string().regex(CELL_NAME, "a name of letters, digits, '.', '_', '=', ',', '+' and '-'"),
  /** What the study is for, one paragraph at the head of its report. */
  question: z.string().optional(),
  /** Each cell runs once under each seed. */
  seeds: z.array(z.int().min(0)).min(1),
  /** The training recipe that cells change: written out, or the name or path of one. */
  base: z.union([z.string().min(1), z.record(z.string(), z.unknown())]),
  /** Changes in every cell, before its own. */
  set: overrides.default({}),
  cells: z.array(cell).min(1).optional(),
  /** Every combination of these values, in each of `cells`: dotted key to its values. */
  grid: z.record(z.string().min(1), z.array(z.unknown()).min(1)).optional(),
  /** Cells of a seed that agree in model, data and cold start begin from one cold start, made once. */
  share_cold_start: z.boolean().default(true),
  /** Wall-clock minutes; a cell that would not end in time is not begun, one that runs over is stopped and can go on. Absent: no limit. */
  budget_minutes: z.number().positive().optional(),
  /** Processes at once. Absent: as many as the machine's cores and memory hold. */
  jobs: count.optional(),
  /** Which cells share a figure of the report, six at most in each. Absent: as many as fit, the first cell in each. */
  plots: z.array(z.strictObject({ title: z.string().min(1), cells: z.array(z.string()).min(1).max(6) })).optional(),
  /** Entropy counts as collapsed at this fraction of its initial level. */
  collapse_fraction: z.number().gt(0).lt(1).default(0.5),
});

export type StudyRecipe = z.output<typeof studySchema>;
