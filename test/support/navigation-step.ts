import { findForm, refreshTarget, submitsItself, type Form } from './html-forms.ts';
import type { Hop } from './trail.ts';

/** A request a navigation is about to make. */
export interface Step {
  readonly method: string;
  readonly url: URL;
  readonly body: string | undefined;
  readonly via: Hop['via'];
  readonly initiator: URL | 'user';
  /** Every URL of this request so far; redirects add to it, a new navigation starts anew. */
  readonly chain: readonly URL[];
}

/** What a browser does by itself after this answer, if anything. */
export function nextStep(step: Step, hop: Hop, javascript: boolean): Step | undefined {
  const location = hop.headers.get('location');
  if (hop.status >= 300 && hop.status < 400 && location !== null) return redirect(step, hop.status, new URL(location, step.url));
  const refresh = refreshTarget(hop.headers.get('refresh'), hop.body);
  if (refresh !== undefined) {
    const url = new URL(refresh, step.url);
    return { method: 'GET', url, body: undefined, via: 'refresh', initiator: step.url, chain: [url] };
  }
  const form = findForm(hop.body);
  return javascript && form !== undefined && submitsItself(hop.body) ? formStep(form, step.url, {}) : undefined;
}

function redirect(step: Step, status: number, url: URL): Step {
  const keepsMethod = status === 307 || status === 308 || step.method === 'GET' || step.method === 'HEAD';
  const method = keepsMethod ? step.method : 'GET';
  return { ...step, method, url, body: keepsMethod ? step.body : undefined, via: 'redirect', chain: [...step.chain, url] };
}

/** Submitting a form of the page at this URL. */
export function formStep(form: Form, page: URL, fields: Readonly<Record<string, string>>): Step {
  const url = new URL(form.action === '' ? page : form.action, page);
  const params = new URLSearchParams({ ...form.fields, ...fields }).toString();
  if (form.method === 'POST') return { method: 'POST', url, body: params, via: 'form', initiator: page, chain: [url] };
  url.search = params;
  return { method: 'GET', url, body: undefined, via: 'form', initiator: page, chain: [url] };
}
