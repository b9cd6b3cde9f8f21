import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium, type Browser, type BrowserContext, type LaunchOptions } from 'playwright-core';

const COMMANDS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const SILENT = ['--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'];

/** Loopback only: nothing of the browser's own goes out. */
const launchOptions = (): LaunchOptions => ({
  executablePath: findBrowser(),
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', ...SILENT],
});

export function launchChromium(): Promise<Browser> {
  return chromium.launch(launchOptions());
}

/** A browser with a profile folder: what a user has set in it counts, unlike in a context of `launchChromium`. */
export function launchWithProfile(folder: string): Promise<BrowserContext> {
  return chromium.launchPersistentContext(folder, launchOptions());
}

function findBrowser(): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const found = COMMANDS.flatMap((command) => folders.map((folder) => join(folder, command))).find(isExecutable);
  if (found === undefined) throw new Error('No Chromium on PATH: run node scripts/test-setup.ts');
  return found;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false; // not in this folder
  }
}
