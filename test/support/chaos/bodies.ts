/** Request bodies are built from their id and `!`, answers from it and `|`: whoever reads one of them knows whose it is at every byte. */
export type Mark = '!' | '|';

/** `size` characters that nobody else's body has. */
export function bodyOf(id: string, mark: Mark, size: number): string {
  return `${id}${mark}`.repeat(Math.ceil(size / (id.length + 1))).slice(0, size);
}

/** As chunks of at most `most` bytes, without the last one. */
export function chunked(text: string, most: number): string {
  let out = '';
  for (let at = 0; at < text.length; at += most) {
    const piece = text.slice(at, at + most);
    out += `${piece.length.toString(16)}\r\n${piece}\r\n`;
  }
  return out;
}

export const LAST_CHUNK = '0\r\n\r\n';
