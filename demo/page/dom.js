/** Finds an element of the page by id; the page and its scripts are written together. */
export function byId(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`The page has no #${id}`);
  return element;
}

/** Makes an element; children are elements or text, never markup. */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Words in a status line: the same words again are no news, and screen readers stay silent. */
export function say(id, words) {
  const status = byId(id);
  if (status.textContent !== words) status.textContent = words;
}

/** 43190 → "12 h", 150 → "2 min 30 s", never broken over two lines. */
export function duration(seconds) {
  return words(seconds).replaceAll(' ', '\u00a0');
}

function words(seconds) {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h${minutes % 60 === 0 ? '' : ` ${minutes % 60} min`}`;
}
