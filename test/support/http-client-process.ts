import { createHttpClient } from '../../src/kernel/http-client.ts';

/** A process of its own that sends one POST: `node http-client-process.ts URL TIMEOUT_MS`. It prints what came of it. */
const [url = '', timeout] = process.argv.slice(2);
const client = createHttpClient({ timeout: Number(timeout), maxResponse: 1000 });
try {
  const response = await client.fetch(url, { method: 'POST', body: 'a=b' });
  process.stdout.write(await response.text());
} catch (error) {
  process.stdout.write(error instanceof Error ? error.message : 'unknown');
}
await client.close();
