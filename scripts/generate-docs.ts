/** Writes the pages of docs/ that follow from the code. `--check` changes nothing and exits 1, naming each page that is stale. */
import { readFile, writeFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import type * as EndpointDocs from '../src/auth/endpoint-docs.ts';
import type * as ConfigDocs from '../src/config/config-docs.ts';
import type * as ConfigSchema from '../src/config/config-schema.ts';
import type * as Errors from '../src/kernel/errors.ts';
import { endpointsPage } from './endpoints-page.ts';
import { httpProxyPage } from './http-proxy-page.ts';

interface Page {
  /** Below the checkout. */
  readonly file: string;
  readonly content: string;
}

const root = new URL('../', import.meta.url);

// The built code: decorators need a compiler.
const built = (path: string): Promise<unknown> => import(new URL(`dist/${path}`, root).href);
const { configurationMarkdown } = (await built('config/config-docs.js')) as typeof ConfigDocs;
const { configurationSchema } = (await built('config/config-schema.js')) as typeof ConfigSchema;

const endpointDocs = (await built('auth/endpoint-docs.js')) as typeof EndpointDocs;
const errors = (await built('kernel/errors.js')) as typeof Errors;

const pages: readonly Page[] = [
  { file: 'docs/configuration.md', content: configurationMarkdown() },
  { file: 'docs/configuration.schema.json', content: JSON.stringify(configurationSchema()) },
  { file: 'docs/endpoints.md', content: endpointsPage(endpointDocs, errors) },
  { file: 'docs/http-proxy.md', content: httpProxyPage() },
];

async function formatted({ file, content }: Page): Promise<string> {
  const filepath = new URL(file, root).pathname;
  return format(content, { ...(await resolveConfig(filepath)), filepath });
}

const onlyCheck = process.argv.includes('--check');
for (const page of pages) {
  const target = new URL(page.file, root);
  const content = await formatted(page);
  const current = await readFile(target, 'utf8').catch(() => undefined); // not there yet: stale
  if (current === content) continue;
  if (onlyCheck) {
    console.error(`${page.file} is stale: run npm run docs`);
    process.exitCode = 1;
  } else {
    await writeFile(target, content);
    console.log(`wrote ${page.file}`);
  }
}
