// TensorFlow's GraphDef message, as far as tracing needs it: plain records in, protobuf bytes out.
// Field numbers: tensorflow/core/framework/{graph,node_def,attr_value,tensor,tensor_shape,versions}.proto.

import { BinaryWriter } from "@bufbuild/protobuf/wire";

/** Element types that tfjs knows, by their number in TensorFlow's `DataType` enum. */
export const DATA_TYPE = { float32: 1, int32: 3, bool: 10 } as const;

export type GraphDtype = keyof typeof DATA_TYPE;

/** What a graph has and tfjs knows nothing of: 16 bits, inside a product alone (dense-product.ts), and the handles of variables. */
const OTHER_TYPE = { bfloat16: 14, resource: 20 } as const;
const TYPE_NUMBER = { ...DATA_TYPE, ...OTHER_TYPE };

/** TensorFlow 2.21 writes graphs of this version; older runtimes that know it accept them. */
const PRODUCER_VERSION = 1882;
const MIN_CONSUMER_VERSION = 12;

/** Value of a node's attribute; `type` is an element type, `bytes` the content of a constant. */
export type Attribute =
  | { kind: "type"; type: keyof typeof TYPE_NUMBER }
  | { kind: "shape"; shape: readonly number[] }
  | { kind: "bool"; value: boolean }
  | { kind: "int"; value: number }
  | { kind: "string"; value: string }
  | { kind: "types"; types: readonly GraphDtype[] }
  | { kind: "tensor"; dtype: GraphDtype; shape: readonly number[]; bytes: Uint8Array };

/** One operation of a graph. An input is `node`, `node:output`, or `^node` for a control dependency. */
export interface NodeDef {
  name: string;
  op: string;
  inputs: readonly string[];
  attributes: Readonly<Record<string, Attribute>>;
  /** Where it runs; default: where TensorFlow places it. */
  device?: string | undefined;
}

/** Serialised `GraphDef` of `nodes`, in the order given. */
export function encodeGraphDef(nodes: readonly NodeDef[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const node of nodes) {
    writer.tag(1, 2).fork();
    writeNode(writer, node);
    writer.join();
  }
  writer.tag(4, 2).fork().tag(1, 0).int32(PRODUCER_VERSION).tag(2, 0).int32(MIN_CONSUMER_VERSION).join();
  return writer.finish();
}

/** Serialised `AttrValue`. */
export function encodeAttribute(attribute: Attribute): Uint8Array {
  const writer = new BinaryWriter();
  writeAttribute(writer, attribute);
  return writer.finish();
}

function writeNode(writer: BinaryWriter, node: NodeDef): void {
  writer.tag(1, 2).string(node.name).tag(2, 2).string(node.op);
  for (const input of node.inputs) writer.tag(3, 2).string(input);
  if (node.device !== undefined) writer.tag(4, 2).string(node.device);
  for (const [key, attribute] of Object.entries(node.attributes)) {
    writer.tag(5, 2).fork().tag(1, 2).string(key).tag(2, 2).fork();
    writeAttribute(writer, attribute);
    writer.join().join();
  }
}

function writeAttribute(writer: BinaryWriter, attribute: Attribute): void {
  switch (attribute.kind) {
    case "type":
      writer.tag(6, 0).int32(TYPE_NUMBER[attribute.type]);
      break;
    case "shape":
      writer.tag(7, 2).fork();
      writeShape(writer, attribute.shape);
      writer.join();
      break;
    case "bool":
      writer.tag(5, 0).bool(attribute.value);
      break;
    case "int":
      writer.tag(3, 0).int64(attribute.value);
      break;
    case "string":
      writer.tag(2, 2).string(attribute.value);
      break;
    case "types":
      writer.tag(1, 2).fork();
      for (const type of attribute.types) writer.tag(6, 0).int32(DATA_TYPE[type]);
      writer.join();
      break;
    case "tensor":
      writer.tag(8, 2).fork().tag(1, 0).int32(DATA_TYPE[attribute.dtype]).tag(2, 2).fork();
      writeShape(writer, attribute.shape);
      writer.join().tag(4, 2).bytes(attribute.bytes).join();
      break;
  }
}

function writeShape(writer: BinaryWriter, shape: readonly number[]): void {
  for (const size of shape) writer.tag(2, 2).fork().tag(1, 0).int64(size).join();
}
