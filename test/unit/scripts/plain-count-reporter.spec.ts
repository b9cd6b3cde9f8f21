import { describe, expect, it } from '@jest/globals';

interface Results {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numRuntimeErrorTestSuites: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
}

interface Reporter {
  onRunComplete(contexts: unknown, results: Results): void;
}

type ReporterClass = new (globalConfig: unknown, options: { print: (line: string) => void }) => Reporter;

const path = '../../../scripts/plain-count-reporter.mjs';
const { default: PlainCountReporter } = (await import(path)) as { default: ReporterClass };

function lineFor(results: Partial<Results>): string {
  const lines: string[] = [];
  const reporter = new PlainCountReporter({}, { print: (line) => lines.push(line) });
  const none = { numPassedTests: 0, numFailedTests: 0, numRuntimeErrorTestSuites: 0, numPendingTests: 0, numTodoTests: 0 };
  reporter.onRunComplete(new Set(), { ...none, ...results });
  return lines.join('');
}

describe('the plain count', () => {
  it('says how many tests passed and failed', () => {
    expect(lineFor({ numPassedTests: 12, numFailedTests: 3 })).toBe('12 passed, 3 failed\n');
  });

  it('counts a file that could not be loaded as failed', () => {
    expect(lineFor({ numPassedTests: 12, numRuntimeErrorTestSuites: 1 })).toBe('12 passed, 1 failed\n');
  });

  it('names skipped and planned tests only when there are some', () => {
    expect(lineFor({ numPassedTests: 1, numPendingTests: 2, numTodoTests: 1 })).toBe('1 passed, 0 failed, 3 skipped\n');
  });
});
