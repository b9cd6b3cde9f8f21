/**
 * Makes sure that the programs the tests drive are there: Chromium and redis-server. Installs Debian's packages where it may
 * (root, apt-get); otherwise says exactly what to install and ends with status 1.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

interface Program {
  readonly label: string;
  readonly commands: readonly string[];
  readonly aptPackage: string;
}

const PROGRAMS: readonly Program[] = [
  { label: 'Chromium', commands: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'], aptPackage: 'chromium' },
  { label: 'Redis', commands: ['redis-server'], aptPackage: 'redis-server' },
];

function onPath(command: string): boolean {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false; // not in this folder, look in the next one
    }
  });
}

const missingOf = (programs: readonly Program[]): readonly Program[] => programs.filter(({ commands }) => !commands.some(onPath));

function install(programs: readonly Program[]): boolean {
  const packages = programs.map(({ aptPackage }) => aptPackage);
  console.log(`Installing for the tests: ${packages.join(', ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const steps = [['update'], ['install', '--yes', '--no-install-recommends', ...packages]];
  return steps.every((step) => spawnSync('apt-get', ['-qq', ...step], { env, stdio: ['ignore', 'ignore', 'inherit'] }).status === 0);
}

function explain(programs: readonly Program[]): void {
  console.error(`The tests need ${programs.map(({ label }) => label).join(' and ')}, not found on PATH. Install:`);
  console.error(`  Debian, Ubuntu  sudo apt-get update && sudo apt-get install ${programs.map(({ aptPackage }) => aptPackage).join(' ')}`);
  console.error(`  Fedora          sudo dnf install ${programs.map(({ label }) => (label === 'Redis' ? 'redis' : 'chromium')).join(' ')}`);
  console.error(
    `  macOS           ${programs.map(({ label }) => (label === 'Redis' ? 'brew install redis' : 'brew install --cask chromium')).join(' && ')}`,
  );
}

const missing = missingOf(PROGRAMS);
if (missing.length > 0) {
  const mayInstall = process.getuid?.() === 0 && onPath('apt-get');
  if (!mayInstall || !install(missing) || missingOf(missing).length > 0) {
    explain(missing);
    process.exit(1);
  }
}
