/** Seeded makers of plausible Results for tests: no kernel runs, yet the numbers behave as measured ones do. */
import { createHash } from 'node:crypto';
import { caseId } from '../src/result/result.ts';
import { schemaVersion } from '../src/result/schema.ts';
import { type Random, seededRandom, seedOf } from '../src/statistics.ts';
import type {
  CacheState,
  Case,
  Kernel,
  Library,
  Machine,
  Measured,
  Measurement,
  Result,
  RunHeader,
  Shape,
  WorkloadRecord,
} from '../src/terms.ts';

const fakeHash = (text: string) => createHash('sha256').update(text).digest('hex');

/** A machine of two cores with AVX-512. */
export function fakeMachine(change: Partial<Machine> = {}): Machine {
  const one = { fmaGflops: 177, l1GBs: 327, l2GBs: 138, l3GBs: 29.4, dramGBs: 17, gatherGelems: 5.8 };
  return {
    hostname: 'bench-1',
    os: 'Debian GNU/Linux 12',
    kernelRelease: '6.1.0-18-amd64',
    arch: 'x64',
    cpuBrand: 'Fake Xeon 8400',
    cpuModel: '6-143-8',
    isa: ['scalar', 'avx2', 'avx512'],
    cpuFlags: ['avx2', 'fma', 'avx512f'],
    cores: 2,
    smt: false,
    hypervisor: 'KVM',
    memoryBytes: 16 * 2 ** 30,
    caches: { l1dBytes: 48 * 1024, l2Bytes: 2 * 2 ** 20, l3Bytes: 60 * 2 ** 20 },
    governor: 'performance',
    turbo: true,
    load1: 0.12,
    stealShare: 0.002,
    cgroupCpus: null,
    transparentHugePages: 'madvise',
    clockResolutionNs: 20,
    node: '20.20.2',
    ceilings: [
      { threads: 1, ...one },
      { threads: 2, fmaGflops: 353, l1GBs: 653, l2GBs: 276, l3GBs: 58, dramGBs: 33, gatherGelems: 10.8 },
    ],
    fingerprint: 'a1b2c3d4e5f6',
    ...change,
  };
}

/** An entry of a library's list of kernels; dense where its format is. */
export const fakeKernel = (
  index: number,
  format: string,
  isa: string,
  change: Partial<Kernel> = {},
): Kernel => ({
  index,
  name: format,
  op: 'spmm',
  dtype: 'f32',
  format,
  isa,
  maxThreads: 0,
  dense: format === 'dense',
  ...change,
});

const fakeLibraries: readonly Library[] = [
  {
    name: 'native',
    version: '0.1.0',
    config: '',
    sha256: fakeHash('native'),
    formats: ['dense', 'csr', 'bsr-4x4', 'bitmask'],
    kernels: ['dense', 'csr', 'bsr-4x4', 'bitmask'].map((format, index) =>
      fakeKernel(index, format, 'avx512'),
    ),
  },
  {
    name: 'openblas',
    version: '0.3.21',
    config: 'SkylakeX MAX_THREADS=64',
    sha256: fakeHash('openblas'),
    formats: ['dense'],
    kernels: [fakeKernel(0, 'dense', 'auto')],
  },
  {
    name: 'blis',
    version: '0.9.0',
    config: 'generic',
    sha256: fakeHash('blis'),
    formats: ['dense'],
    kernels: [fakeKernel(0, 'dense', 'auto')],
  },
];

/** The first line of a fake run of the suite `quick`. */
export function fakeHeader(workloadCount: number, change: Partial<RunHeader> = {}): RunHeader {
  return {
    schemaVersion,
    runId: '20260102T030405Z-7f3a',
    startedAt: '2026-01-02T03:04:05.000Z',
    command: 'sparsemark run quick',
    suite: {
      name: 'quick',
      version: '1',
      description: 'Where does sparsity pay? A first answer in a minute.',
      released: true,
      digest: fakeHash('quick'),
      formats: { '*': ['csr', 'bitmask'], 'block-4x4': ['bsr-4x4', 'csr'] },
      refine: true,
      workloadCount,
    },
    machine: fakeMachine(),
    build: {
      origin: 'checkout',
      sha256: fakeHash('addon'),
      compiler: 'g++ 12.2.0',
      flags: '-O3 -std=c++20',
      type: 'Release',
      sanitizer: '',
      version: '0.1.0',
      gitCommit: '0123456789abcdef0123456789abcdef01234567',
      gitDirty: false,
    },
    libraries: fakeLibraries,
    health: [
      {
        library: 'native',
        kernel: 'dense',
        isa: 'avx512',
        gflops: 150,
        ofBest: 1,
        ofPeak: 0.847,
        healthy: true,
      },
      {
        library: 'openblas',
        kernel: 'dense',
        isa: 'auto',
        gflops: 141,
        ofBest: 0.94,
        ofPeak: 0.797,
        healthy: true,
      },
      {
        library: 'blis',
        kernel: 'dense',
        isa: 'auto',
        gflops: 28,
        ofBest: 0.187,
        ofPeak: 0.158,
        healthy: false,
      },
    ],
    protocol: {
      threads: [1],
      pinnedCpus: [0],
      budgetSeconds: 60,
      targetHalfWidth: 0.02,
      minSamples: 12,
      maxSamples: 200,
      batchTargetNs: 500_000,
      orderSeed: 1,
      filter: null,
      isa: null,
      formats: null,
    },
    ...change,
  };
}

/** What a fake workload is made of. */
export interface FakeWorkload {
  readonly shape: Shape;
  readonly cache: CacheState;
  readonly label: string;
  readonly density: number;
  readonly seed: number;
  readonly op?: string;
  readonly layer?: string;
  readonly count?: number;
  readonly quality?: WorkloadRecord['quality'];
}

/** Record of a fake workload, consistent in itself. */
export function fakeWorkload(of: FakeWorkload): WorkloadRecord {
  const { m, k, n } = of.shape;
  const op = of.op ?? (n === 1 ? 'spmv' : 'spmm');
  const nnz = Math.round(m * k * of.density);
  const [name = of.label] = of.label.split('-');
  const id = `${op}-f32-${m}x${k}x${n}-${of.cache}/${of.label}-d${of.density.toFixed(2)}-s${of.seed}`;
  return {
    id: of.layer === undefined ? id : `${id}-${of.layer}`,
    op,
    dtype: 'f32',
    shape: of.shape,
    cache: of.cache,
    pattern: { name, parameters: name === 'block' ? { rows: 4, cols: 4 } : {}, label: of.label },
    density: of.density,
    seed: of.seed,
    layer: of.layer ?? `${m}x${k}`,
    count: of.count ?? 1,
    nnz,
    achievedDensity: nnz / (m * k),
    statistics: { rowCv: 0.1, colCv: 0.12, maxRowNonzeros: Math.ceil(k * of.density * 1.3), emptyRows: 0 },
    digest: fakeHash(id),
    quality: of.quality ?? null,
  };
}

/** A case of a library's kernel on a workload. */
export function fakeCase(workload: WorkloadRecord, library: string, kernel: Kernel, threads = 1): Case {
  const part = { workload: workload.id, library, kernel: kernel.name, isa: kernel.isa, threads };
  return { id: caseId(part), ...part, format: kernel.format, dense: kernel.dense };
}

/** A measured case whose samples scatter by `noise` around `timeNs`, in rounds of 4. */
export function fakeMeasured(
  workload: WorkloadRecord,
  of: Case,
  timeNs: number,
  random: Random,
  change: Partial<Measured> = {},
): Measured {
  const noise = 0.01;
  const rounds = [4, 4, 4, 4, 4];
  const samplesNs = rounds.flatMap((size) => {
    const shift = 1 + noise * (random() - 0.5);
    return Array.from(
      { length: size },
      () => Math.round(timeNs * shift * (1 + noise * random() ** 3) * 10) / 10,
    );
  });
  const { m, k } = workload.shape;
  const payloadBytes = of.dense ? 4 * m * k : 4 * workload.nnz;
  const metadataBytes = of.dense
    ? 0
    : of.format === 'bitmask'
      ? Math.ceil((m * k) / 8)
      : 4 * workload.nnz + 4 * (m + 1);
  return {
    ...of,
    status: 'measured',
    check: { worstRatio: 0.21, maxAbsError: 3.1e-6 },
    footprint: { payloadBytes, metadataBytes, paddingBytes: 0 },
    encodeNs: of.dense ? 0 : 3 * m * k,
    prepareNs: of.dense ? m * k : 0.2 * m * k,
    evaluationsPerSample: 8,
    samplesNs,
    rounds,
    warmup: { batches: 9, settled: true },
    copies: workload.cache === 'cold' ? 9 : 1,
    tiling: 'rows 4, vectors 4',
    ...change,
  };
}

/** GFLOP/s of useful work (dense: of all work) that the fake kernels reach. */
function fakeRate(library: string, format: string, label: string, density: number, n: number): number {
  const narrow = n === 1 ? 0.12 : n < 64 ? 0.6 : 1;
  if (format === 'dense') return narrow * { native: 150, openblas: 141, blis: 28 }[library]!;
  if (format === 'csr') return narrow * (label.startsWith('block') ? 62 : 58) * (1 - 0.15 * (1 - density));
  if (format === 'bitmask') return narrow * 90 * (density / (density + 0.25));
  return narrow * 120 * (1 - 0.1 * (1 - density));
}

/** Switches of `fakeResult`. */
export interface FakeOptions {
  readonly seed?: number;
  readonly shapes?: readonly Shape[];
  readonly densities?: readonly number[];
  readonly header?: Partial<RunHeader>;
  /** Multiplies every time. */
  readonly slower?: number;
  /** Whether some cells are wrong, failed and unsupported. */
  readonly troubled?: boolean;
}

/** A Result of two shapes, hot and cold, two patterns, five densities, three seeds, three libraries. */
export function fakeResult(options: FakeOptions = {}): Result {
  const shapes = options.shapes ?? [
    { m: 512, k: 2048, n: 128 },
    { m: 512, k: 2048, n: 1 },
  ];
  const densities = options.densities ?? [0.05, 0.1, 0.2, 0.3, 0.5];
  const random = seededRandom(options.seed ?? 1);
  const workloads: WorkloadRecord[] = [];
  const measurements: Measurement[] = [];
  for (const shape of shapes) {
    for (const cache of shape.n === 1 ? (['cold'] as const) : (['hot', 'cold'] as const)) {
      for (const label of ['uniform', 'block-4x4']) {
        for (const density of densities) {
          for (const seed of [1, 2, 3]) {
            const workload = fakeWorkload({ shape, cache, label, density, seed });
            workloads.push(workload);
            measurements.push(...fakeMeasurements(workload, random, options));
          }
        }
      }
    }
  }
  const troubled = options.troubled === false ? measurements : trouble(measurements);
  return {
    header: fakeHeader(workloads.length, options.header),
    workloads,
    measurements: troubled,
    end: { endedAt: '2026-01-02T03:05:45.000Z', complete: true, stopReason: 'finished', elapsedSeconds: 100 },
  };
}

/** All kernels of the fake libraries on one workload. */
export function fakeMeasurements(
  workload: WorkloadRecord,
  random: Random,
  options: FakeOptions = {},
): Measurement[] {
  const { m, k, n } = workload.shape;
  const label = workload.pattern.label;
  return fakeLibraries.flatMap((library) =>
    library.kernels
      .filter((kernel) => kernel.format !== 'bsr-4x4' || label === 'block-4x4')
      .map((kernel) => {
        const work = 2 * n * (kernel.dense ? m * k : workload.nnz);
        const rate = fakeRate(library.name, kernel.format, label, workload.density, n);
        const mask = 1 + (kernel.dense ? 0.01 : 0.12) * (seededRandom(seedOf(workload.id))() - 0.5);
        const cold = workload.cache === 'cold' ? (kernel.dense ? 1.35 : 1.15) : 1;
        const timeNs = (work / rate) * mask * cold * (options.slower ?? 1) + 200;
        return fakeMeasured(workload, fakeCase(workload, library.name, kernel), timeNs, random);
      }),
  );
}

/** Turns three sparse cells into a wrong, a failed and an unsupported one. */
function trouble(measurements: readonly Measurement[]): Measurement[] {
  const places = new Map<number, 'wrong' | 'failed' | 'unsupported'>();
  const sparse = measurements.flatMap((measurement, index) =>
    measurement.format === 'bitmask' ? [index] : [],
  );
  places.set(sparse[1]!, 'wrong').set(sparse[4]!, 'failed').set(sparse[7]!, 'unsupported');
  return measurements.map((measurement, index) => {
    const status = places.get(index);
    if (status === undefined) return measurement;
    const { id, workload, library, kernel, format, isa, threads, dense } = measurement;
    const of = { id, workload, library, kernel, format, isa, threads, dense };
    if (status === 'unsupported') return { ...of, status, reason: 'needs k divisible by 64' };
    if (status === 'failed')
      return { ...of, status, reason: 'SIGSEGV', detail: 'worker ended in evaluation 3' };
    const worst = { row: 3, col: 17, expected: 0.25, actual: null, tolerance: 1e-5 };
    return { ...of, status, worst, detail: '1 of 65536 elements is not a number' };
  });
}

/** A Result with quality: a network of three layers at four densities, as a pruned ResNet-50 would be. */
export function fakeNetworkResult(options: FakeOptions = {}): Result {
  const random = seededRandom(options.seed ?? 2);
  const layers = [
    { layer: 'conv-a', shape: { m: 64, k: 576, n: 3136 }, count: 3 },
    { layer: 'conv-b', shape: { m: 256, k: 1152, n: 784 }, count: 4 },
    { layer: 'conv-c', shape: { m: 512, k: 4608, n: 49 }, count: 2 },
  ];
  const levels = [
    { density: 0.5, value: 76.5 },
    { density: 0.2, value: 75.2 },
    { density: 0.1, value: 73.8 },
    { density: 0.02, value: 58.1 },
  ];
  const workloads = levels.flatMap(({ density, value }) =>
    layers.map((layer, index) => {
      const quality = { model: 'rn50', metric: 'top-1 %', value };
      return fakeWorkload({
        ...layer,
        cache: 'hot',
        label: 'dlmc-rn50-magnitude',
        density,
        seed: index + 1,
        quality,
      });
    }),
  );
  return {
    header: fakeHeader(workloads.length, options.header),
    workloads,
    measurements: workloads.flatMap((workload) => fakeMeasurements(workload, random, options)),
    end: { endedAt: '2026-01-02T03:05:45.000Z', complete: true, stopReason: 'finished', elapsedSeconds: 60 },
  };
}

/** Text that tries to break out of every output. */
export const hostileText = `"'><script>alert(1)</script>|[x](http://evil.example)@all=1+1\\input{x}%$#_&{}~^\u001b[31m\u202e`;

/** The Result with hostile text wherever the schema allows text. Ids stay, since they are checked against their parts. */
export function hostileResult(result: Result = fakeNetworkResult()): Result {
  const { header } = result;
  const first = result.workloads[0]!;
  const quality = { model: hostileText, metric: hostileText, value: 3 };
  const workload = {
    ...first,
    layer: hostileText,
    pattern: { ...first.pattern, label: hostileText },
    quality,
  };
  const kernelOf = (measurement: Measurement): Measurement => {
    if (measurement.format !== 'csr') return measurement;
    const renamed = { ...measurement, library: hostileText, tiling: hostileText };
    return { ...renamed, id: caseId(renamed) };
  };
  const failed = result.measurements.slice(0, 1).map((measurement): Measurement => {
    const of = fakeCase(first, hostileText, fakeKernel(0, 'csr', 'avx2'));
    return {
      ...of,
      workload: measurement.workload,
      status: 'failed',
      reason: hostileText,
      detail: hostileText,
    };
  });
  return {
    ...result,
    header: {
      ...header,
      command: hostileText,
      suite: { ...header.suite, name: hostileText, description: hostileText },
      machine: {
        ...header.machine,
        cpuBrand: hostileText,
        hostname: hostileText,
        os: hostileText,
        governor: hostileText,
      },
      build: { ...header.build, compiler: hostileText, flags: hostileText, gitCommit: hostileText },
      libraries: header.libraries.map((library) => ({ ...library, config: hostileText })),
      health: header.health.map((entry) => ({
        ...entry,
        kernel: entry.library === 'blis' ? hostileText : entry.kernel,
      })),
    },
    workloads: [workload, ...result.workloads.slice(1)],
    measurements: [...result.measurements.map(kernelOf), ...failed],
  };
}
