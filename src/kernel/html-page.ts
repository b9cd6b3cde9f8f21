import { createHash } from 'node:crypto';

const STYLE = `:root{color-scheme:light dark;--ink:#1b1f2a;--soft:#5b6474;--paper:#f6f5f2;--card:#fff;--line:#e3e0d8;--accent:#8a1c3b}
@media(prefers-color-scheme:dark){:root{--ink:#ece9e2;--soft:#a6adba;--paper:#14161b;--card:#1d2027;--line:#30343e;--accent:#f08aa6}}
*{box-sizing:border-box}body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,sans-serif}
main{max-width:34rem;width:100%;background:var(--card);border:1px solid var(--line);border-radius:14px;padding:2rem}
h1{font-size:1.35rem;margin:0 0 .6rem}p{margin:.5rem 0;color:var(--soft)}a,button{color:var(--accent)}
.go{display:inline-block;margin-top:1rem;padding:.6rem 1.1rem;border:0;border-radius:9px;background:var(--accent);color:var(--card);font:inherit;font-weight:600;text-decoration:none;cursor:pointer}
.go:focus-visible{outline:3px solid var(--soft);outline-offset:2px}small{display:block;margin-top:1.4rem;color:var(--soft);font-size:.8rem;overflow-wrap:anywhere}`;

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/** A way on: a link (GET navigation) or a button that posts an empty form to a path of ours. */
export interface PageAction {
  readonly kind: 'link' | 'post';
  readonly href: string;
  readonly label: string;
}

export interface Page {
  readonly title: string;
  /** Plain sentences; escaped here. */
  readonly lines: readonly string[];
  readonly action?: PageAction;
  /** Small print, such as the error code and request id. */
  readonly note?: string;
}

/** Headers of every HTML page of ours: no script, no frame, no referrer, never stored. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`,
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${String(char.charCodeAt(0))};`);
}

export function renderPage(page: Page): string {
  const lines = page.lines.map((line) => `<p>${escapeHtml(line)}</p>`).join('');
  const note = page.note === undefined ? '' : `<small>${escapeHtml(page.note)}</small>`;
  return (
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">` +
    `<title>${escapeHtml(page.title)}</title><style>${STYLE}</style></head><body><main><h1>${escapeHtml(page.title)}</h1>` +
    `${lines}${renderAction(page.action)}${note}</main></body></html>`
  );
}

function renderAction(action: PageAction | undefined): string {
  if (action === undefined) return '';
  const href = escapeHtml(action.href);
  const label = escapeHtml(action.label);
  if (action.kind === 'link') return `<a class="go" href="${href}">${label}</a>`;
  return `<form method="post" action="${href}"><button class="go">${label}</button></form>`;
}
