const SLOTS = 16_384;
const POLYNOMIAL = 0x1021;

/** The slot of a cluster that a key lies in: CRC-16/XMODEM of its hash tag, or of the whole key (Redis cluster specification). */
export function keySlot(key: string): number {
  const start = key.indexOf('{');
  const end = key.indexOf('}', start + 1);
  return crc16(start < 0 || end <= start + 1 ? key : key.slice(start + 1, end)) % SLOTS;
}

function crc16(text: string): number {
  let crc = 0;
  for (const byte of Buffer.from(text)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ POLYNOMIAL;
    crc &= 0xffff;
  }
  return crc;
}
