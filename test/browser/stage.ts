import { afterAll, beforeAll } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { launchChromium } from './chromium.ts';
import { openDemoHouse, type DemoHouse } from './demo-house.ts';

/** The demo and a browser in front of it, for all tests of one file. */
export interface Stage {
  readonly demo: DemoHouse;
  readonly browser: Browser;
}

/** Opens both before the first test of the file that calls it, and closes them after the last one. */
export function useStage(): Stage {
  let demo: DemoHouse | undefined;
  let browser: Browser | undefined;
  beforeAll(async () => {
    demo = await openDemoHouse();
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await demo?.close();
  });
  return {
    get demo() {
      return opened(demo);
    },
    get browser() {
      return opened(browser);
    },
  };
}

function opened<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('The stage opens before the first test');
  return part;
}
