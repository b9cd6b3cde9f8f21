/** Ends a run with one plain line, `N passed, N failed`, which a pipeline can read without knowing jest. */
export default class PlainCountReporter {
  onRunComplete(_contexts, results) {
    // A file that could not even be loaded has no failed test, and must not look green.
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = results.numPendingTests + results.numTodoTests;
    const suffix = skipped > 0 ? `, ${skipped} skipped` : '';
    process.stderr.write('', () => process.stdout.write(`${results.numPassedTests} passed, ${failed} failed${suffix}\n`));
  }
}
