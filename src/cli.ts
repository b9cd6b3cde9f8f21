#!/usr/bin/env node
// Nothing but this check may be imported statically: what follows uses what an older Node does not have.
import process from 'node:process';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major > 24 || (major === 24 && minor >= 9)) {
  const { runCommand } = await import('./command-line.ts');
  await runCommand(process.argv.slice(2), process.env);
} else {
  process.stderr.write(`cloakroom needs Node >= 24.9 (this is ${process.versions.node})\n`);
  process.exitCode = 1;
}
