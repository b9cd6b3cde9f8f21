import { Session, loginUrl, signOut } from './bff.js';
import { byId, duration } from './dom.js';
import { prepareLive } from './live.js';
import { prepareCall, prepareLook } from './trials.js';
import { prepareStorm } from './storm.js';

const ASK_AGAIN_MS = 15_000;

const REASONS = {
  none: 'You are not signed in. The demo has users for the good day and for the bad ones.',
  not_logged_in: 'You are not signed in. The demo has users for the good day and for the bad ones.',
  expired: 'Your session is over. Sign in for a new ticket.',
  revoked: 'Your session was ended. Sign in for a new ticket.',
  superseded: 'This ticket was replaced by a newer one. Sign in again.',
  forbidden: 'Your account may not use this application.',
};

const session = new Session();
let tokenLifetime = 1;

function showSession() {
  byId('sign-in').href = loginUrl(session.view);
  const { view } = session;
  byId('ticket').dataset.state = view.state;
  if (view.state === 'signed-in') showUser(view);
  if (view.state === 'signed-out') byId('signed-out-reason').textContent = REASONS[view.reason] ?? REASONS.none;
  if (view.state === 'unavailable') byId('unavailable-reason').textContent = view.reason;
  showCountdown();
}

function showUser({ user, expiresIn }) {
  byId('user-name').textContent = user.name ?? user.sub;
  const facts = [user.email, `session ends in ${duration(expiresIn)}`];
  byId('user-facts').textContent = facts.filter(Boolean).join(' · ');
  tokenLifetime = Math.max(tokenLifetime, session.tokenSeconds);
}

function showCountdown() {
  const seconds = session.tokenSeconds;
  byId('seconds').textContent = session.signedIn ? String(seconds) : '–';
  byId('bar').style.inlineSize = session.signedIn ? `${(seconds / tokenLifetime) * 100}%` : '0';
  byId('countdown-label').textContent = countdownWords(seconds);
}

function countdownWords(seconds) {
  if (!session.signedIn) return 'no access token';
  return seconds > 0 ? 'until the access token expires' : 'expired: the next API call gets a new one';
}

function showPath() {
  const { pathname, search } = location;
  byId('path').textContent = pathname + search;
  const deep = pathname !== '/';
  Object.assign(byId('elsewhere'), deep ? { href: '/', textContent: 'Back to /' } : { href: '/orders/42', textContent: 'Open /orders/42' });
}

async function leave() {
  const button = byId('sign-out');
  button.disabled = true;
  try {
    await signOut();
  } catch (error) {
    byId('user-facts').textContent = `Sign-out did not work: ${error.message}`;
    button.disabled = false;
  }
}

session.onChange(showSession);
byId('sign-out').addEventListener('click', leave);
byId('retry').addEventListener('click', () => session.load());
prepareCall(session);
prepareLook();
prepareStorm(session);
prepareLive(session);
showPath();
setInterval(showCountdown, 250);
setInterval(() => !document.hidden && session.load(), ASK_AGAIN_MS);
document.addEventListener('visibilitychange', () => !document.hidden && session.load());
session.load();
