/** Fails when a generated page in docs/ is not what `npm run docs` would write now. Leaves the pages as they were. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

const GENERATOR = 'scripts/generate-docs.ts';
const PAGES = ['docs/configuration.md', 'docs/configuration.schema.json', 'docs/endpoints.md'];

const read = (page: string): string | undefined => (existsSync(page) ? readFileSync(page, 'utf8') : undefined);

function restore(page: string, text: string | undefined): void {
  if (text === undefined) rmSync(page, { force: true });
  else writeFileSync(page, text);
}

function staleAfterGeneration(): string[] {
  const before = PAGES.map(read);
  try {
    const { status } = spawnSync(process.execPath, [GENERATOR], { stdio: ['ignore', 'ignore', 'inherit'] });
    if (status !== 0) throw new Error(`${GENERATOR} ended with status ${String(status)}.`);
    return PAGES.filter((page, at) => read(page) === undefined || read(page) !== before[at]);
  } finally {
    for (const [at, page] of PAGES.entries()) restore(page, before[at]);
  }
}

if (!existsSync(GENERATOR)) {
  console.error(`${GENERATOR} is missing: it writes ${PAGES.join(', ')}.`);
  process.exit(1);
}
const stale = staleAfterGeneration();
if (stale.length > 0) {
  console.error(`Out of date: ${stale.join(', ')}. Run \`npm run docs\` and commit the result.`);
  process.exit(1);
}
