// Writing a model's weights: one safetensors file, or shards with an index where one would be too large.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { WEIGHTS_FILE, WEIGHTS_INDEX_FILE } from "./checkpoint.ts";
import { bytesOf, writeSafetensors, type TensorSource, type WriteSafetensorsOptions } from "./write-safetensors.ts";

/** As large as a file of weights usually is on the Hugging Face hub. */
export const MAX_SHARD_BYTES = 5_000_000_000;

/** Writes `tensors` into `directory`, in their order, a tensor in one file as a whole. */
export async function writeCheckpoint(
  directory: string,
  tensors: readonly TensorSource[],
  { dtype = "float32", metadata = {}, maxShardBytes }: WriteSafetensorsOptions & { maxShardBytes: number },
): Promise<void> {
  const shards: TensorSource[][] = [];
  let bytes = Infinity;
  for (const tensor of tensors) {
    const size = bytesOf(tensor, dtype);
    if (bytes + size > maxShardBytes) {
      shards.push([]);
      bytes = 0;
    }
    shards.at(-1)!.push(tensor);
    bytes += size;
  }
  if (shards.length <= 1) return writeSafetensors(join(directory, WEIGHTS_FILE), tensors, { dtype, metadata });
  const weightMap: Record<string, string> = {};
  const padded = (count: number): string => String(count).padStart(5, "0");
  for (const [index, shard] of shards.entries()) {
    const file = `model-${padded(index + 1)}-of-${padded(shards.length)}.safetensors`;
    for (const { name } of shard) weightMap[name] = file;
    await writeSafetensors(join(directory, file), shard, { dtype, metadata });
  }
  const total = tensors.reduce((sum, tensor) => sum + bytesOf(tensor, dtype), 0);
  const index = { metadata: { total_size: total }, weight_map: weightMap };
  await writeFile(join(directory, WEIGHTS_INDEX_FILE), `${JSON.stringify(index, undefined, 2)}\n`, { flush: true });
}
