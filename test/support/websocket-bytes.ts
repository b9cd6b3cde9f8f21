import { createHash } from 'node:crypto';

export interface FrameOptions {
  readonly opcode?: number;
  readonly fin?: boolean;
  /** With this key; absent: unmasked. */
  readonly mask?: Buffer;
  /** Spells the length in 2 or 8 bytes, though it would fit into less. */
  readonly lengthBytes?: 2 | 8;
}

/** One frame as bytes, written out from RFC 6455 §5.2. */
export function frame(payload: Buffer | string, { opcode = 1, fin = true, mask, lengthBytes }: FrameOptions = {}): Buffer {
  const bytes = Buffer.from(payload);
  const masked = mask === undefined ? 0 : 0x80;
  const width = lengthBytes ?? (bytes.length < 126 ? 0 : bytes.length < 65_536 ? 2 : 8);
  const length = Buffer.alloc(1 + width);
  length[0] = masked | (width === 0 ? bytes.length : width === 2 ? 126 : 127);
  if (width === 2) length.writeUInt16BE(bytes.length, 1);
  if (width === 8) length.writeBigUInt64BE(BigInt(bytes.length), 1);
  const body = mask === undefined ? [bytes] : [mask, bytes.map((byte, at) => byte ^ (mask[at % 4] ?? 0))];
  return Buffer.concat([Buffer.from([(fin ? 0x80 : 0) | opcode]), length, ...body]);
}

/** A client's key for frames whose key does not matter. */
export const MASK = Buffer.from([1, 2, 3, 4]);

const codeBytes = (code: number): Buffer => Buffer.from([code >> 8, code & 255]);

/** A Close without a reason, as each side sends it. */
export const clientClose = (code: number): Buffer => frame(codeBytes(code), { opcode: 8, mask: MASK });
export const serverClose = (code: number): Buffer => frame(codeBytes(code), { opcode: 8 });

export interface SeenFrame {
  readonly opcode: number;
  readonly isMasked: boolean;
  readonly payload: Buffer;
}

/** Every whole frame of these bytes, unmasked, and how many bytes are left behind the last. */
export function framesOf(bytes: Buffer): { readonly frames: readonly SeenFrame[]; readonly rest: number } {
  const frames: SeenFrame[] = [];
  let at = 0;
  for (;;) {
    const next = frameAt(bytes, at);
    if (next === undefined) return { frames, rest: bytes.length - at };
    frames.push(next.frame);
    at = next.end;
  }
}

function frameAt(bytes: Buffer, at: number): { frame: SeenFrame; end: number } | undefined {
  if (bytes.length < at + 2) return undefined;
  const short = bytes.readUInt8(at + 1) & 0x7f;
  const isMasked = (bytes.readUInt8(at + 1) & 0x80) !== 0;
  const width = short === 126 ? 2 : short === 127 ? 8 : 0;
  const head = 2 + width + (isMasked ? 4 : 0);
  if (bytes.length < at + head) return undefined;
  const length = width === 0 ? short : width === 2 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
  const end = at + head + length;
  if (bytes.length < end) return undefined;
  const key = bytes.subarray(at + head - 4, at + head);
  const raw = bytes.subarray(at + head, end);
  const payload = isMasked ? Buffer.from(raw.map((byte, i) => byte ^ (key[i % 4] ?? 0))) : raw;
  return { frame: { opcode: bytes.readUInt8(at) & 0x0f, isMasked, payload }, end };
}

/** `1011 upstream_lost` of a Close frame's payload. */
export const closeText = (payload: Buffer): string =>
  payload.length < 2 ? '' : `${String(payload.readUInt16BE(0))} ${payload.subarray(2).toString()}`.trim();

export const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='; // RFC 6455 §1.3
export const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

/** A client's handshake. */
export const HANDSHAKE = [
  'GET /chat?room=1 HTTP/1.1',
  'Host: app.example.com',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  `Sec-WebSocket-Key: ${KEY}`,
  '\r\n',
].join('\r\n');

/** A server's answer to the key in this head. */
export function switching(head: string): string {
  const key = /^sec-websocket-key: *(.*)$/im.exec(head)?.[1]?.trim() ?? '';
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
}
