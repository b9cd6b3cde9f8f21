import { bearerWords, callApi } from './bff.js';
import { byId, make } from './dom.js';

/** "Call the API": what the browser sent beside what the API received. */
export function prepareCall(session) {
  const button = byId('call');
  const status = byId('call-status');
  let wasSignedIn = false;
  session.onChange(() => {
    const { signedIn } = session;
    button.disabled = !signedIn;
    if (signedIn !== wasSignedIn) status.replaceChildren(signedIn ? '' : 'Sign in to try this.');
    wasSignedIn = signedIn;
  });
  button.addEventListener('click', async () => {
    button.disabled = true;
    status.replaceChildren('Calling…');
    try {
      status.replaceChildren(describeCall(await callApi('/orders', session)));
    } catch {
      status.replaceChildren('Nobody answered. Is Cloakroom running?');
    }
    button.disabled = !session.signedIn;
    session.load();
  });
}

function describeCall({ status, code, body }) {
  if (status !== 200) return make('p', {}, `Status ${status}${code === null ? '' : `, ${code}`}: ${body?.title ?? 'no explanation'}.`);
  const bearer = bearerWords(body.bearer);
  const head = make('tr', {}, make('td'), column('Browser sent'), column('API received'));
  const rows = [row('Cookie', 'yes', body.cookie ? 'yes' : 'no', !body.cookie), row('Bearer token', 'no', bearer, body.bearer !== false)];
  const note = 'The characters are the start of the token’s SHA-256, not the token.';
  return make('div', {}, make('table', {}, make('thead', {}, head), make('tbody', {}, ...rows)), make('p', { className: 'note' }, note));
}

const column = (text) => make('th', { scope: 'col' }, text);

function row(name, sent, received, good) {
  const cell = make('td', { className: good ? 'good' : 'bad' }, received);
  return make('tr', {}, make('th', { scope: 'row' }, name), make('td', {}, sent), cell);
}

/** "What can JavaScript see?": every place a script can read without asking. */
export function prepareLook() {
  byId('look').addEventListener('click', async () => byId('look-status').replaceChildren(describeFindings(await look())));
}

async function look() {
  const databases = (await indexedDB.databases?.()) ?? [];
  const cacheNames = await caches.keys().catch(() => []);
  return [
    ['document.cookie', document.cookie === '' ? [] : document.cookie.split('; ')],
    ['localStorage', Object.keys(localStorage)],
    ['sessionStorage', Object.keys(sessionStorage)],
    ['IndexedDB', databases.map(({ name }) => name)],
    ['Cache storage', cacheNames],
    ['Address bar', [...new URLSearchParams(location.search).keys(), ...(location.hash === '' ? [] : [location.hash])]],
  ];
}

function describeFindings(findings) {
  const rows = findings.map(([place, found]) => {
    const words = found.length === 0 ? 'nothing' : found.join(', ');
    const cell = make('td', { className: found.length === 0 ? 'good' : 'bad' }, words);
    return make('tr', {}, make('th', { scope: 'row' }, place), cell);
  });
  return make('table', {}, make('tbody', {}, ...rows));
}
