import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);

interface Violation {
  readonly from: string;
  readonly to: string;
  readonly rule: { readonly name: string };
}

interface CruiseResult {
  readonly summary: { readonly violations: readonly Violation[]; readonly totalCruised: number };
}

/** The rules broken by the src folder below `folder`, each as `rule: from → to`, and how many modules were looked at. */
export async function cruise(folder = root): Promise<{ violations: readonly string[]; modules: number }> {
  const program = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
  const config = join(root, '.dependency-cruiser.mjs');
  const { stdout } = await run(process.execPath, [program, '--config', config, '--output-type', 'json', 'src'], {
    cwd: folder,
    maxBuffer: 64 * 1024 * 1024,
  });
  const { summary } = JSON.parse(stdout) as CruiseResult;
  return { violations: summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`), modules: summary.totalCruised };
}
