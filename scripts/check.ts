/**
 * Everything a change must pass. The quick checks all run, so that one run shows all that is wrong; the tests follow when
 * those are green. With `--static` the tests are left out. The last line is always the plain `N passed, N failed`.
 */
import { spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';

const STATIC_CHECKS = ['build', 'types', 'lint', 'format:check', 'architecture', 'unused', 'docs:check'];

function passes(script: string): boolean {
  const { status } = spawnSync('npm', ['run', '--silent', script], {
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
  return status === 0;
}

function reported(script: string): boolean {
  const start = performance.now();
  const passed = passes(script);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${passed ? 'ok    ' : 'FAILED'} ${script} (${seconds} s)`);
  return passed;
}

const results = STATIC_CHECKS.map(reported);
const failed = results.filter((passed) => !passed).length;
if (failed > 0 || process.argv.includes('--static')) {
  console.log(`${results.length - failed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
} else {
  process.exitCode = passes('test') ? 0 : 1; // the tests print the count themselves
}
