import { createSign, generateKeyPairSync, randomBytes } from 'node:crypto';

export interface LoopbackCertificate {
  /** PEM; its own authority unless it was issued by another. */
  readonly cert: string;
  readonly key: string;
  /** Common name. */
  readonly name: string;
}

export interface CertificateWishes {
  readonly name?: string;
  /** Host names; 127.0.0.1 as well where nothing is named. */
  readonly hosts?: readonly string[];
  /** Milliseconds since the epoch. */
  readonly until?: number;
  readonly issuer?: LoopbackCertificate;
  /** Of the key. */
  readonly curve?: 'P-256' | 'P-192';
}

const DAY = 86_400_000;

/** A certificate for 127.0.0.1 and localhost, made for one test run (X.509 v3, RFC 5280). */
export function loopbackCertificate(now: number, wishes: CertificateWishes = {}): LoopbackCertificate {
  const { name = 'loopback', hosts, until = now + DAY, issuer, curve = 'P-256' } = wishes;
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: curve });
  const algorithm = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02)); // ecdsa-with-SHA256
  const names = [
    ...(hosts ?? ['localhost']).map((it) => der(0x82, Buffer.from(it))),
    ...(hosts ? [] : [der(0x87, Buffer.from([127, 0, 0, 1]))]),
  ];
  const extensions = sequence(
    sequence(oid(0x55, 0x1d, 0x13), der(0x04, sequence(der(0x01, Buffer.from([0xff]))))), // basicConstraints: CA
    sequence(oid(0x55, 0x1d, 0x11), der(0x04, sequence(...names))), // subjectAltName
  );
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    commonName(issuer?.name ?? name),
    sequence(utcTime(now - 2 * DAY), utcTime(until)),
    commonName(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, extensions),
  );
  const signature = createSign('sha256')
    .update(body)
    .sign(issuer?.key ?? privateKey);
  const whole = sequence(body, algorithm, der(0x03, Buffer.concat([Buffer.from([0]), signature])));
  const lines = whole.toString('base64').replace(/(.{64})(?=.)/g, '$1\n');
  const cert = `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
  return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }), name };
}

/** Tag, length, value (X.690 §8.1). */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const value = Buffer.concat(parts);
  const { length } = value;
  const head = length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), value]);
}

const sequence = (...parts: readonly Buffer[]): Buffer => der(0x30, ...parts);
const commonName = (name: string): Buffer => sequence(der(0x31, sequence(oid(0x55, 0x04, 0x03), der(0x0c, Buffer.from(name)))));
const oid = (...bytes: readonly number[]): Buffer => der(0x06, Buffer.from(bytes));
const utcTime = (ms: number): Buffer => der(0x17, Buffer.from(`${new Date(ms).toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`));
