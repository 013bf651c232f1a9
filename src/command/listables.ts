/** What can be listed; `list <suite>` lists a suite's workloads. */
export const listables = [
  'suites',
  'patterns',
  'ops',
  'formats',
  'kernels',
  'plans',
  'backends',
  'accelerators',
  'machine',
] as const;
