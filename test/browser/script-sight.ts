import type { Page } from 'playwright-core';
import type { PassedAnswer } from './middlebox.ts';

/** A text that scripts can get at, and where. */
export interface Seen {
  readonly place: string;
  readonly text: string;
}

/** What a browser keeps from scripts: a redirect's target and cookies that are HttpOnly. */
const UNSEEN_HEADERS = new Set(['location', 'set-cookie']);

/** Everything that a script of the page can read where it runs. */
export async function seenInPage(page: Page): Promise<readonly Seen[]> {
  const found = await page.evaluate(readAll);
  return [{ place: 'address', text: page.url() }, ...Object.entries(found).map(([place, text]) => ({ place, text }))];
}

/** What an application's answers told its scripts: addresses asked, bodies, and headers that are not kept from them. */
export function seenInAnswers(answers: readonly PassedAnswer[], origin: string): readonly Seen[] {
  return answers
    .filter(({ url }) => new URL(url).origin === origin)
    .flatMap(({ url, rawHeaders, body }) => {
      if (rawHeaders.some((it) => it.toLowerCase() === 'content-encoding'))
        throw new Error(`${url} is encoded: its text was not looked at`);
      const headers = rawHeaders.filter((_, at) => !UNSEEN_HEADERS.has(rawHeaders[at - (at % 2)]?.toLowerCase() ?? ''));
      const texts = { url, header: headers.join('\n'), body: body.toString('latin1') };
      return Object.entries(texts).map(([place, text]) => ({ place, text }));
    });
}

/** Where one of the secrets occurs, as it is, in part (a JWT's payload or signature) or in another spelling. */
export function placesOf(secrets: readonly string[], seen: readonly Seen[]): readonly string[] {
  const spellings = secrets.flatMap((secret) => [secret, ...secret.split('.').filter((part) => part.length > 40)]).flatMap(spelled);
  return [...new Set(seen.filter(({ text }) => spellings.some((it) => text.includes(it))).map(({ place }) => place))];
}

function spelled(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  const unpadded = (text: string): string => text.replace(/=+$/, '').slice(0, -1); // what follows may change the last character
  return [
    secret,
    encodeURIComponent(secret),
    unpadded(bytes.toString('base64')),
    unpadded(bytes.toString('base64url')),
    bytes.toString('hex'),
  ];
}

/** Runs in the page, so it is complete in itself. */
async function readAll(): Promise<Record<string, string>> {
  const settled = <T>(request: IDBRequest<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error ?? new Error('IndexedDB'));
    });
  const databases: unknown[] = [];
  for (const { name = '' } of await indexedDB.databases()) {
    const database = await settled(indexedDB.open(name));
    for (const store of database.objectStoreNames) {
      const objects = database.transaction(store).objectStore(store);
      databases.push(name, store, await settled(objects.getAllKeys()), await settled(objects.getAll()));
    }
    database.close();
  }
  const cached: string[] = [];
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) cached.push(request.url, (await (await cache.match(request))?.text()) ?? '');
  }
  return {
    'document.cookie': document.cookie,
    cookieStore: JSON.stringify(await cookieStore.getAll()),
    localStorage: JSON.stringify(Object.entries(localStorage)),
    sessionStorage: JSON.stringify(Object.entries(sessionStorage)),
    indexedDB: JSON.stringify(databases),
    caches: cached.join('\n'),
    'window.name': window.name,
    'history.state': JSON.stringify([history.state]),
    referrer: document.referrer,
    timings: JSON.stringify(performance.getEntries()),
    html: document.documentElement.outerHTML,
  };
}
