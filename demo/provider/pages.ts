import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import type { DemoUser } from './users.ts';

const STYLE = readFileSync(new URL('./pages.css', import.meta.url), 'utf8');
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

export function writePage(res: ServerResponse, status: number, html: string): void {
  res.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'`,
    'cache-control': 'no-store',
  });
  res.end(html);
}

/** One button per user; a form that works without JavaScript. */
export function signInPage(users: readonly DemoUser[], hinted: DemoUser | undefined): string {
  const ordered = hinted === undefined ? users : [hinted, ...users.filter((user) => user !== hinted)];
  const items = ordered.map((user) => `<li>${userButton(user, user === hinted)}</li>`).join('');
  return page(
    'Sign in',
    `<p>Pick a user. Each is a situation an application has to cope with; nobody has a password here.</p>
     <form method="post"><ul>${items}</ul></form>`,
  );
}

/** Asks before signing out; `form` is the hidden form that oidc-provider made. */
export function signOutPage(form: string): string {
  return page(
    'Sign out?',
    `<p>An application asks to sign you out of this development provider.</p>${form}
     <button class="wide" form="op.logoutForm" name="logout" value="yes" autofocus>Sign out</button>
     <button class="wide quiet" form="op.logoutForm">Stay signed in</button>`,
  );
}

export function signedOutPage(): string {
  return page('Signed out', '<p>You are signed out of this development provider.</p>');
}

export function errorPage(error: string, description: string | undefined): string {
  return page('That did not work', `<p>${escape(description ?? 'The request was refused.')}</p><p class="code">${escape(error)}</p>`);
}

function userButton(user: DemoUser, hinted: boolean): string {
  const initial = escape(user.name.charAt(0));
  return `<button name="user" value="${escape(user.id)}"${hinted ? ' class="hinted" autofocus' : ''}>
    <span class="face face-${escape(user.id)}" aria-hidden="true">${initial}</span>
    <span class="words"><strong>${escape(user.name)}</strong><span>${escape(user.situation)}</span></span></button>`;
}

function page(title: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${title} · Development provider</title><style>${STYLE}</style></head>
<body><main><p class="brand">Development provider</p><h1>${title}</h1>${body}</main></body></html>`;
}

function escape(value: string): string {
  return value.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
