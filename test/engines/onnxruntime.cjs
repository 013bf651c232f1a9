// A stand-in for the package onnxruntime-node: it reads a model in ONNX's own form and computes it. Each behaviour but
// `computes` is one that a package could have by mistake; test/engines.test.ts says what it costs.

// The fields of a protobuf message: number -> values, as numbers or bytes.
function fieldsOf(bytes) {
  const fields = {};
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      value += (byte % 128) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = varint();
    const value = tag % 8 === 0 ? number : bytes.subarray(at, at + number);
    at += tag % 8 === 0 ? 0 : number;
    (fields[Math.floor(tag / 8)] ??= []).push(value);
  }
  return fields;
}
const textOf = (bytes) => Buffer.from(bytes).toString('utf8');

function graphOf(model) {
  const { 5: initializers, 1: nodes } = fieldsOf(fieldsOf(model)[7][0]);
  const tensors = initializers.map((bytes) => {
    const { 1: dims, 8: [name], 9: [raw] } = fieldsOf(bytes);
    return [textOf(name), { dims, data: new Float32Array(Uint8Array.from(raw).buffer) }];
  });
  const steps = nodes.map((bytes) => {
    const { 1: inputs, 2: [output], 4: [op], 5: attributes = [] } = fieldsOf(bytes);
    const flags = attributes.map(fieldsOf).map((field) => [textOf(field[1][0]), field[3]?.[0] ?? field[8]]);
    return { op: textOf(op), inputs: inputs.map(textOf), output: textOf(output), flags: Object.fromEntries(flags) };
  });
  return { tensors: Object.fromEntries(tensors), steps };
}

const transposed = ({ dims: [rows, cols], data }) => ({
  dims: [cols, rows],
  data: Float32Array.from({ length: data.length }, (_, i) => data[(i % rows) * cols + Math.floor(i / rows)]),
});

function multiplied(a, b) {
  const [m, k] = a.dims;
  const n = b.dims[1];
  if (b.dims[0] !== k) throw new Error(`shapes ${a.dims} and ${b.dims} do not fit`);
  const data = new Float32Array(m * n);
  for (let i = 0; i < m; i += 1) {
    for (let j = 0; j < n; j += 1) {
      let sum = 0;
      for (let q = 0; q < k; q += 1) sum += a.data[i * k + q] * b.data[q * n + j];
      data[i * n + j] = sum;
    }
  }
  return { dims: [m, n], data };
}

const operators = {
  MatMul: ([a, b]) => multiplied(a, b),
  Gemm: ([a, b], { transA, transB }) => multiplied(transA ? transposed(a) : a, transB ? transposed(b) : b),
  Transpose: ([a]) => transposed(a),
};

class Tensor {
  constructor(type, data, dims) {
    if (type !== 'float32' || data.length !== dims[0] * dims[1]) throw new Error(`no tensor of ${dims}`);
    Object.assign(this, { data, dims });
  }
}

module.exports = (behaviour) => ({
  env: { versions: { node: '0.0.1' } },
  Tensor,
  InferenceSession: {
    async create(model, options) {
      if (behaviour === 'refuses-models') throw new Error('no such operator');
      if (!(options.intraOpNumThreads >= 1)) throw new Error('threads not set');
      const { tensors, steps } = graphOf(model);
      let calls = 0;
      return {
        async run({ X }, { C }) {
          const values = { ...tensors, X };
          for (const { op, inputs, output, flags } of steps) {
            values[output] = operators[op](inputs.map((name) => values[name]), flags);
          }
          calls += 1;
          if (behaviour === 'fails') throw new Error('the moon is in the wrong quarter');
          if (behaviour === 'crashes') process.kill(process.pid, 'SIGSEGV');
          if (behaviour === 'hangs') for (;;);
          if (behaviour === 'returns-its-own-output') return { C: values.C };
          if (behaviour === 'stops-computing' && calls > 2) return { C };
          C.data.set(values.C.data);
          if (behaviour === 'adds-one') C.data[C.data.length - 1] += 1;
          if (behaviour === 'writes-after-c') {
            new Float32Array(C.data.buffer)[C.data.byteOffset / 4 + C.data.length] = 0;
          }
          if (behaviour === 'writes-b') X.data[0] += 1;
          return { C };
        },
        async release() {},
      };
    },
  },
});
