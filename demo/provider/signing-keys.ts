import { generateKeyPair, type webcrypto } from 'node:crypto';
import { promisify } from 'node:util';

/** Private keys in JWK form (RFC 7517), ready for a key set. */
export interface SigningKeys {
  readonly rs256: webcrypto.JsonWebKey & { kid: string };
  readonly es256: webcrypto.JsonWebKey & { kid: string };
}

const makeKeyPair = promisify(generateKeyPair);

export async function makeSigningKeys(): Promise<SigningKeys> {
  const [rsa, ec] = await Promise.all([makeKeyPair('rsa', { modulusLength: 2048 }), makeKeyPair('ec', { namedCurve: 'P-256' })]);
  return {
    rs256: { ...rsa.privateKey.export({ format: 'jwk' }), kid: 'rs256-1', alg: 'RS256', use: 'sig' },
    es256: { ...ec.privateKey.export({ format: 'jwk' }), kid: 'es256-1', alg: 'ES256', use: 'sig' },
  };
}
