// How many training processes the machine holds at once.
import { availableParallelism, totalmem } from "node:os";

/** Memory of one training process of a small model with its engine, bytes; measured at 0.6 GB for the quickstart's. */
const PROCESS_BYTES = 1.5e9;

/** Processes that keep every core busy and fit the memory; `threads` are those of each cell, undefined for all cores. */
export function chooseJobs(threads: readonly (number | undefined)[]): number {
  const cores = availableParallelism();
  const perProcess = Math.max(...threads.map((count) => count ?? cores));
  return Math.max(1, Math.min(Math.floor(cores / perProcess), Math.floor(totalmem() / PROCESS_BYTES)));
}
