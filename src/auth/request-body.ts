import { FailureError } from '../kernel/errors.ts';
import type { EndpointRequest } from './endpoint-request.ts';
import { hasRepeatedName } from './json-names.ts';

type BodyRequest = Pick<EndpointRequest, 'headers' | 'body'>;

const MAX_BODY = 16 * 1024;
const PROTOTYPE_NAMES: readonly string[] = ['__proto__', 'constructor', 'prototype'];

/** The form of an authorization response (OAuth 2.0 Form Post Response Mode). Duplicates are kept for the caller to judge. */
export async function readForm(request: BodyRequest): Promise<URLSearchParams> {
  const text = await readText(request);
  if (mediaType(request) !== 'application/x-www-form-urlencoded') throw unsupported();
  return new URLSearchParams(text);
}

/** The named fields of a form or a JSON object, each a string that comes once at most. No body at all is an empty one. */
export async function readFields(request: BodyRequest, names: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const text = await readText(request);
  if (text === '') return new Map();
  const type = mediaType(request);
  if (type === 'application/x-www-form-urlencoded') return fieldsOfForm(new URLSearchParams(text), names);
  if (type === 'application/json') return fieldsOfJson(text, names);
  throw unsupported();
}

async function readText({ headers, body }: BodyRequest): Promise<string> {
  if (Number(headers['content-length'] ?? 0) > MAX_BODY) throw tooLarge();
  if (headers['content-encoding'] !== undefined) throw unsupported();
  try {
    return decode(await readBytes(body));
  } catch (error) {
    // The client went away in the middle: nobody reads this answer, and it is no error of ours.
    throw error instanceof FailureError ? error : malformed('The body was cut off.');
  }
}

async function readBytes(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAX_BODY) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw malformed('The body is not UTF-8.'); // the decoder's own message adds nothing
  }
}

function fieldsOfForm(form: URLSearchParams, names: readonly string[]): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const [name, value] of form) {
    if (!names.includes(name)) continue;
    if (fields.has(name)) throw malformed(`The field ${name} must not come twice.`);
    fields.set(name, value);
  }
  return fields;
}

function fieldsOfJson(text: string, names: readonly string[]): ReadonlyMap<string, string> {
  const object = parseObject(text);
  if (hasRepeatedName(text)) throw malformed('The body names a member twice.');
  const fields = new Map<string, string>();
  for (const [name, value] of Object.entries(object)) {
    if (PROTOTYPE_NAMES.includes(name)) throw malformed('The body names a property of the object prototype.');
    if (!names.includes(name)) continue;
    if (typeof value !== 'string') throw malformed(`The field ${name} must be a string.`);
    fields.set(name, value);
  }
  return fields;
}

function parseObject(text: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw malformed('The body is not JSON.'); // the parser's message quotes the body
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed('The body must be a JSON object.');
  return value;
}

function mediaType({ headers }: BodyRequest): string | undefined {
  return headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
}

const malformed = (detail: string): FailureError => new FailureError({ code: 'bad_request', detail });
const tooLarge = (): FailureError => new FailureError({ code: 'payload_too_large', detail: `The body is larger than ${MAX_BODY} bytes.` });
const unsupported = (): FailureError =>
  new FailureError({ code: 'unsupported_media_type', detail: 'The body must be a URL-encoded form, or JSON where the endpoint takes it.' });
