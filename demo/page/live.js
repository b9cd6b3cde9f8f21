import { bearerWords } from './bff.js';
import { byId, make, say } from './dom.js';

const STATUS = 'live-status';
const SHOWN_MESSAGES = 6;
const REMEMBERED = 'live-connection-closed';
const NORMAL = 1000;
const SESSION_OVER = 4401;

const CLOSED = {
  session_revoked: 'You were signed out, here or in another tab, and Cloakroom ended the connection at once.',
  session_expired: 'The session has reached its limit, and the connection ended with it.',
  upstream_lost: 'The API went away. Open the connection again in a moment.',
  max_age: 'The connection had grown old. Open it again.',
  shutdown: 'Cloakroom is being restarted. Open the connection again in a moment.',
};

/** "A live connection": a WebSocket to the API through Cloakroom, which ends when the session does. */
export function prepareLive(session) {
  const live = new Live(session);
  session.onChange(() => live.show());
  byId('live-open').addEventListener('click', () => live.open());
  byId('live-close').addEventListener('click', () => live.close());
  byId('live-form').addEventListener('submit', (event) => {
    event.preventDefault();
    live.send();
  });
  window.addEventListener('pagehide', () => live.remember());
}

class Live {
  #session;
  #signedIn = false;
  #socket;
  #isOpen = false;
  /** Why the session's end closed the last connection: signing out leads away from this page and back. */
  #lastWords = recall();

  constructor(session) {
    this.#session = session;
  }

  show() {
    const { signedIn, view } = this.#session;
    const changed = signedIn !== this.#signedIn;
    this.#signedIn = signedIn;
    if (signedIn) this.#lastWords = undefined;
    if (changed) say(STATUS, signedIn ? '' : (this.#lastWords ?? 'Sign in to try this.'));
    else if (view.state === 'signed-out' && this.#lastWords !== undefined) say(STATUS, this.#lastWords);
    this.#showControls();
  }

  open() {
    byId('live-messages').replaceChildren();
    say(STATUS, 'Opening…');
    const socket = new WebSocket(new URL('/api/socket', location.href));
    this.#socket = socket;
    let heard = false;
    socket.addEventListener('open', () => this.#opened());
    socket.addEventListener('message', ({ data }) => {
      this.#add('The API', heard ? data : greeting(data));
      heard = true;
    });
    socket.addEventListener('close', ({ code, reason }) => this.#closed(code, reason));
    this.#showControls();
  }

  send() {
    const field = byId('live-text');
    const text = field.value.trim() || 'Hello';
    this.#socket.send(text);
    this.#add('You', text);
    field.value = '';
  }

  close() {
    this.#socket.close(NORMAL);
  }

  remember() {
    if (this.#lastWords !== undefined) sessionStorage.setItem(REMEMBERED, this.#lastWords);
  }

  #opened() {
    this.#isOpen = true;
    say(STATUS, 'Open. What you send comes back.');
    this.#showControls();
    byId('live-text').focus();
  }

  #closed(code, reason) {
    const words = closeWords(code, reason, this.#isOpen);
    const hadFocus = byId('live-form').contains(document.activeElement) || document.activeElement === byId('live-close');
    this.#socket = undefined;
    this.#isOpen = false;
    if (code === SESSION_OVER) this.#lastWords = words;
    say(STATUS, words);
    this.#showControls();
    if (code === SESSION_OVER) this.#session.signedOut(reason);
    else if (code !== NORMAL) this.#session.load();
    if (hadFocus) byId(STATUS).focus(); // what had it is hidden now
  }

  #showControls() {
    byId('live-open').disabled = !this.#signedIn || this.#socket !== undefined;
    byId('live-close').hidden = !this.#isOpen;
    byId('live-form').hidden = !this.#isOpen;
  }

  #add(who, text) {
    const list = byId('live-messages');
    list.append(make('li', {}, make('b', {}, who), ` ${text}`));
    while (list.children.length > SHOWN_MESSAGES) list.firstElementChild.remove();
  }
}

/** The API's first message says what the handshake brought it. */
function greeting(data) {
  const { bearer, cookie } = JSON.parse(data);
  return `received a bearer token: ${bearerWords(bearer)} · a cookie: ${cookie ? 'yes' : 'no'}`;
}

function closeWords(code, reason, wasOpen) {
  if (code === NORMAL) return 'Closed by you.';
  if (!wasOpen) return 'The connection could not be opened.';
  const why = CLOSED[reason] ?? 'The connection broke.';
  return `Closed with ${code}${reason === '' ? '' : `, ${reason}`}. ${why}`;
}

/** Once: the next visit begins without it. A browser that refuses cookies refuses this storage too. */
function recall() {
  try {
    const words = sessionStorage.getItem(REMEMBERED) ?? undefined;
    sessionStorage.removeItem(REMEMBERED);
    return words;
  } catch {
    return undefined;
  }
}
