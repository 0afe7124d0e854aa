// Numbers drawn by key: the same key gives the same number on every machine, so a verdict never depends on chance or order.

/** In [0, 1), from a 32-bit FNV-1a hash of `key` mixed by the finalizer of MurmurHash3. */
export function keyed(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
