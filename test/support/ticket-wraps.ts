import { KeyRing } from '../../src/cookie/key-ring.ts';
import { TicketWrap } from '../../src/cookie/ticket-wrap.ts';
import { Secret } from '../../src/kernel/secret.ts';

/** Wraps with a key of its own, or with those of the given secrets, the first of which is active. */
export function testWrap(secrets: readonly string[] = ['a-secret-of-the-tests-with-enough-bytes']): TicketWrap {
  const keys = secrets.map((secret, index) => ({ id: index + 1, secret: new Secret(secret) }));
  return new TicketWrap({ keyRing: new KeyRing({ keys, activeKey: 1, app: 'test', issuer: 'https://id.example', clientId: 'c' }) });
}
