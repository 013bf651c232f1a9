import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

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
    testTimeout: 60_000,
    hookTimeout: 60_000,
    server: { deps: { inline: [githubParser] } },
  },
});
