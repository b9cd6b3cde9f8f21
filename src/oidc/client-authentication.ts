import type { ProviderOptions } from './provider-options.ts';

/** Puts the client's credentials into a request, as openid-client asks for it. */
export type ClientAuthentication = (server: unknown, client: unknown, body: URLSearchParams, headers: Headers) => void;

type Registration = Pick<ProviderOptions, 'clientId' | 'clientSecret' | 'clientAuthMethod' | 'basicEncoding'>;

/** How this client authenticates (RFC 6749 §2.3.1). Throws when there is no secret to do it with. */
export function clientAuthentication(registration: Registration): ClientAuthentication {
  const { clientId, clientAuthMethod } = registration;
  if (clientAuthMethod === 'none') return (_server, _client, body) => body.set('client_id', clientId);
  const secret = registration.clientSecret?.reveal() ?? '';
  if (secret === '') throw new TypeError(`client authentication ${clientAuthMethod} needs a secret`);
  if (clientAuthMethod === 'client_secret_basic') return basic(registration, secret);
  return (_server, _client, body) => {
    body.set('client_id', clientId);
    body.set('client_secret', secret);
  };
}

/** `raw` is for providers that compare what they get without decoding it first. */
function basic({ clientId, basicEncoding }: Registration, secret: string): ClientAuthentication {
  const [id, password] = basicEncoding === 'form' ? [formEncoded(clientId), formEncoded(secret)] : [clientId, secret];
  const credentials = Buffer.from(`${id}:${password}`).toString('base64');
  return (_server, _client, _body, headers) => headers.set('authorization', `Basic ${credentials}`);
}

/** RFC 6749 appendix B, and of the characters that may stay as they are none does: some providers' own comparison depends on it. */
function formEncoded(text: string): string {
  return encodeURIComponent(text)
    .replaceAll('%20', '+')
    .replaceAll(/[-_.!~*'()]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}
