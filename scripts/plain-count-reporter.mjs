/** Ends a run with one plain line, `N passed, N failed`, which a pipeline can read without knowing jest. */
export default class PlainCountReporter {
  #print;

  constructor(_globalConfig, { print = afterErrors } = {}) {
    this.#print = print;
  }

  onRunComplete(_contexts, results) {
    // A file that could not even be loaded has no failed test, and must not look green.
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = results.numPendingTests + results.numTodoTests;
    const suffix = skipped > 0 ? `, ${skipped} skipped` : '';
    this.#print(`${results.numPassedTests} passed, ${failed} failed${suffix}\n`);
  }
}

/** jest writes to standard error, which may share a pipe with standard output: our line waits until that is out. */
function afterErrors(line) {
  process.stderr.write('', () => process.stdout.write(line));
}
