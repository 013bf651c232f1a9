import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The files that take minutes first, so that the last one to end does not leave the other core idle. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const long = ['native/arm', 'native/compilers', 'native/sanitized', 'cli', 'compare-run'];
    const place = ({ moduleId }: TestSpecification): number => {
      const found = long.findIndex((name) => moduleId.endsWith(`test/${name}.test.ts`));
      return found < 0 ? long.length : found;
    };
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}

/** GitHub's parser of workflows: imports its JSON without an attribute, which Node itself refuses, so Vite loads it. */
const githubParser = /@actions\/(workflow-parser|expressions)\//;

export default defineConfig({
  plugins: [
    {
      name: 'github-parser-without-source-maps',
      // They name sources that the package does not have: a warning for each of a hundred files.
      load: (id) =>
        githubParser.test(id) && id.endsWith('.js')
          ? readFileSync(id, 'utf8').replace(/^\/\/# sourceMappingURL=.*$/m, '')
          : undefined,
    },
  ],
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // Two cores: files that start workers of their own must not starve each other.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    // Only what hangs is ended so: a busy machine starts a worker in ten times the time that an idle one takes.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    server: { deps: { inline: [githubParser] } },
  },
});
