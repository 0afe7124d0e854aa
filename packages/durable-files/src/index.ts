// What other packages and users import.
export { atomicFile, atomicFolder, atomicLink, atomicRemove, atomicWrite, removeLeftovers } from "./atomic.ts";
export { cutLog, cutTornLine, JsonlLog, readLog, type LineCheck } from "./jsonl-log.ts";
