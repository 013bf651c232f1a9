/**
 * ONNX models in memory: the messages of onnx.proto (github.com/onnx/onnx, IR version 8) that a product of two matrices
 * needs, in protobuf's wire format (protobuf.dev, "Encoding"). onnx-proto does the same and brings protobufjs along.
 */

type FieldValue = number | string | Uint8Array | Message;
/** Fields of a message in their order: number and value. */
type Message = readonly (readonly [field: number, value: FieldValue])[];

/** One of the standard operators. */
export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  /** Whole numbers, or lists of them. */
  readonly attributes?: Readonly<Record<string, number | readonly number[]>>;
}

/** A tensor of float32. */
export interface OnnxTensor {
  readonly name: string;
  readonly dims: readonly number[];
}

/** TensorProto.DataType FLOAT, AttributeProto.AttributeType INT and INTS, and versions. */
const types = { float: 1, int: 2, ints: 7 };
const versions = { ir: 8, operators: 13 };

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

/** The message in pieces, so that weights are copied once, when all are joined. */
function piecesOf(message: Message): Uint8Array[] {
  return message.flatMap(([field, value]) => {
    if (typeof value === 'number') return [Uint8Array.from([...varint(field * 8), ...varint(value)])];
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    const pieces = bytes instanceof Uint8Array ? [bytes] : piecesOf(bytes);
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    return [Uint8Array.from([...varint(field * 8 + 2), ...varint(length)]), ...pieces];
  });
}

const each = (field: number, values: readonly FieldValue[]): Message =>
  values.map((value) => [field, value] as const);

const attributeProto = ([name, value]: [string, number | readonly number[]]): Message =>
  typeof value === 'number'
    ? [...each(1, [name]), [3, value], [20, types.int]]
    : [...each(1, [name]), ...each(8, value), [20, types.ints]];

const nodeProto = ({ op, inputs, output, attributes = {} }: OnnxNode): Message => [
  ...each(1, inputs),
  ...each(2, [output]),
  ...each(4, [op]),
  ...each(5, Object.entries(attributes).map(attributeProto)),
];

function valueInfoProto({ name, dims }: OnnxTensor): Message {
  const shape = each(
    1,
    dims.map((dim): Message => [[1, dim]]),
  );
  const type: Message = [
    [1, types.float],
    [2, shape],
  ];
  return [
    [1, name],
    [2, [[1, type]]],
  ];
}

/** A serialised ModelProto of one input X, one output C and the constant A, whose values are row-major. */
export function onnxModel(
  nodes: readonly OnnxNode[],
  input: OnnxTensor,
  output: OnnxTensor,
  constant: OnnxTensor & { readonly values: Float32Array },
): Uint8Array {
  const { name, dims, values } = constant;
  const raw = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const tensor: Message = [...each(1, dims), [2, types.float], [8, name], [9, raw]];
  const ends: Message = [
    [11, valueInfoProto(input)],
    [12, valueInfoProto(output)],
  ];
  const graph: Message = [...each(1, nodes.map(nodeProto)), [2, 'product'], [5, tensor], ...ends];
  return Buffer.concat(
    piecesOf([
      [1, versions.ir],
      [8, [[2, versions.operators]]],
      [7, graph],
    ]),
  );
}
