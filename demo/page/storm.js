import { callApi } from './bff.js';
import { byId, make, say } from './dom.js';

const STATUS = 'storm-status';
const CALLS = 50;
const LABEL = 'Call it 50 times at once with an expired token';

/** "50 calls": waits until the access token is over, calls at once, and asks the provider how many refreshes it saw. */
export function prepareStorm(session) {
  const storm = new Storm(session);
  byId('calls').replaceChildren(...Array.from({ length: CALLS }, () => make('li')));
  session.onChange(() => storm.show());
  byId('storm').addEventListener('click', () => storm.run());
  byId('storm-cancel').addEventListener('click', () => storm.cancel());
}

class Storm {
  #session;
  #phase = 'idle';
  #signedIn = false;

  constructor(session) {
    this.#session = session;
  }

  show() {
    const { signedIn } = this.#session;
    const changed = signedIn !== this.#signedIn;
    this.#signedIn = signedIn;
    byId('storm').disabled = !signedIn || this.#phase !== 'idle';
    byId('storm-cancel').hidden = this.#phase !== 'waiting';
    if (this.#phase === 'waiting' && !signedIn) this.#enter('idle', 'Your session ended before the calls could start.');
    else if (changed && this.#phase === 'idle') say(STATUS, signedIn ? '' : 'Sign in to try this.');
  }

  cancel() {
    this.#enter('idle', '');
  }

  async run() {
    this.#clear();
    this.#enter('waiting', 'The access token is still good. The calls start when it has expired.');
    if (!(await this.#tokenIsOver())) return;
    this.#enter('calling', 'Fifty calls are on their way…');
    try {
      await this.#fire();
    } catch {
      this.#enter('idle', 'Nobody answered. Is Cloakroom running?');
    }
    await this.#session.load();
  }

  async #fire() {
    const before = await refreshCount();
    const cells = [...byId('calls').children];
    const answers = await Promise.all(cells.map((cell, index) => this.#callFor(cell, index)));
    const refreshes = (await refreshCount()) - before;
    const good = answers.filter(({ status }) => status === 200).length;
    byId('storm-answers').textContent = `${good} of ${CALLS}`;
    byId('storm-refreshes').textContent = String(refreshes);
    byId('storm-figures').hidden = false;
    this.#enter('idle', good === CALLS ? refreshWords(refreshes) : failureWords(answers));
  }

  async #callFor(cell, index) {
    const answer = await callApi(`/orders/${index + 1}`, this.#session);
    cell.className = answer.status === 200 ? 'done' : 'failed';
    return answer;
  }

  /** Resolves with false when the wait was cancelled. Cloakroom has the last word on whether the token is over. */
  async #tokenIsOver() {
    for (;;) {
      while (this.#phase === 'waiting' && this.#session.tokenSeconds > 0) {
        byId('storm').textContent = `Starts in ${this.#session.tokenSeconds} s`;
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
      if (this.#phase !== 'waiting') return false;
      await this.#session.load();
      if (this.#session.signedIn && this.#session.tokenSeconds === 0) return true;
    }
  }

  #clear() {
    for (const cell of byId('calls').children) cell.className = '';
    byId('storm-figures').hidden = true;
  }

  #enter(phase, words) {
    this.#phase = phase;
    byId('storm').textContent = LABEL;
    say(STATUS, words);
    this.show();
  }
}

async function refreshCount() {
  const response = await fetch('/demo-stats', { headers: { accept: 'application/json' } });
  return (await response.json()).refreshes;
}

function refreshWords(refreshes) {
  if (refreshes === 1) return 'One request renewed the token, and the others waited for it.';
  return refreshes === 0 ? 'Something else had renewed the token just before.' : 'More than one refresh: this should not happen.';
}

function failureWords(answers) {
  if (answers.every(({ code }) => code === 'session_expired'))
    return 'The session ended with its access token: this user has no refresh token.';
  const counts = new Map();
  for (const { status, code } of answers) {
    const name = code ?? status;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return `The answers: ${[...counts].map(([name, count]) => `${count} × ${name}`).join(', ')}.`;
}
