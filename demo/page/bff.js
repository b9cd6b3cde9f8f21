/** What the page knows of its session, and nothing else: who, and how long. There is no token here to hold. */
export class Session {
  #listeners = [];
  #view = { state: 'loading' };
  /** The earliest time at which the access token is certainly over; undefined before the first answer. */
  #tokenEndsAt;

  /** `{ state: 'loading' | 'signed-in' | 'signed-out' | 'unavailable', … }` */
  get view() {
    return this.#view;
  }

  get signedIn() {
    return this.#view.state === 'signed-in';
  }

  /** Whole seconds until the access token is over. */
  get tokenSeconds() {
    return Math.max(0, Math.ceil(((this.#tokenEndsAt ?? 0) - performance.now()) / 1000));
  }

  onChange(listener) {
    this.#listeners.push(listener);
  }

  /** Asks Cloakroom. This never extends the session, so a page may ask as often as it likes. */
  async load() {
    try {
      const response = await fetch('/bff/session', { headers: { accept: 'application/json' } });
      const answer = await response.json();
      if (!response.ok) this.#show({ state: 'unavailable', reason: answer.title });
      else if (answer.authenticated) this.#signedIn(answer);
      else this.signedOut(answer.reason, answer.loginUrl);
    } catch {
      this.#show({ state: 'unavailable', reason: 'Cloakroom does not answer.' });
    }
  }

  /**
   * Also called when anything else says so: a 401 with Cloakroom's mark, the close of a WebSocket; their codes are `session_…`.
   * The first reason stays: once the ended ticket is gone, Cloakroom only knows that there is none.
   */
  signedOut(code, loginUrl = '/bff/login') {
    const first = this.#view.state === 'signed-out' ? this.#view.reason : code.replace(/^session_/, '');
    this.#tokenEndsAt = undefined;
    this.#show({ state: 'signed-out', reason: first, loginUrl });
  }

  #signedIn(answer) {
    this.#tokenEndsAt = this.#certainEnd(answer.accessTokenExpiresIn);
    this.#show({ state: 'signed-in', user: answer.user, expiresIn: answer.expiresIn });
  }

  /** Answers are whole seconds, rounded down: the true end lies less than a second later. Several answers narrow it. */
  #certainEnd(seconds) {
    const now = performance.now();
    const known = this.#tokenEndsAt;
    const latest = now + (seconds + 1) * 1000;
    if (known === undefined) return latest;
    if (seconds === 0 && known <= now) return known;
    return Math.abs(latest - known) < 1000 ? Math.min(latest, known) : latest;
  }

  #show(view) {
    this.#view = view;
    for (const listener of this.#listeners) listener();
  }
}

/** Ends the session here and at the provider: the answer says where to go on. */
export async function signOut() {
  const response = await fetch('/bff/logout', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-csrf': '1' },
    body: JSON.stringify({ returnTo: '/' }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.title);
  location.assign(answer.redirectTo);
}

/** Cloakroom says where a login begins, with a query of its own for an account that was refused. */
export function loginUrl({ loginUrl: begins = '/bff/login' }) {
  const url = new URL(begins, location.origin);
  url.searchParams.set('returnTo', location.pathname + location.search);
  return url.href;
}

/** A call of the page's own API. Tells Cloakroom's 401 from the API's by its header. */
export async function callApi(path, session) {
  const response = await fetch(`/api${path}`, { headers: { accept: 'application/json' } });
  const ours = response.headers.get('cloakroom-error');
  if (response.status === 401 && ours !== null) session.signedOut(ours);
  const body = await response.json().catch(() => undefined);
  return { status: response.status, code: ours, body };
}

/** What the API says of the token it was given. */
export function bearerWords(bearer) {
  return bearer === false ? 'no' : `yes, ${bearer.fingerprint}…`;
}
