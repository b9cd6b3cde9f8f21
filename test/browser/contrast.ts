import type { Page } from 'playwright-core';

/** Visible texts with less contrast than WCAG 2.2 §1.4.3 asks for (4.5; 3 for large ones). Disabled controls are exempt there. */
export function paleTexts(page: Page): Promise<string[]> {
  return page.evaluate(findPale);
}

/** Runs in the page, so it is complete in itself. */
function findPale(): string[] {
  const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 });
  const brush = canvas.getContext('2d', { willReadFrequently: true });
  if (brush === null) throw new Error('no canvas');
  /** Lets the browser mix the colours: every notation and every transparency. */
  const luminance = (colours: readonly string[]): number => {
    for (const colour of ['#fff', ...colours]) {
      brush.fillStyle = colour;
      brush.fillRect(0, 0, 1, 1);
    }
    const linear = (byte: number): number => (byte <= 10 ? byte / 255 / 12.92 : ((byte / 255 + 0.055) / 1.055) ** 2.4);
    const [red = 0, green = 0, blue = 0] = brush.getImageData(0, 0, 1, 1).data;
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  };
  const groundsOf = (element: Element): string[] =>
    element.parentElement === null
      ? [getComputedStyle(element).backgroundColor]
      : [...groundsOf(element.parentElement), getComputedStyle(element).backgroundColor];
  const pale: string[] = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    const text = texts.currentNode.textContent?.trim() ?? '';
    if (element === null || text === '' || !element.checkVisibility({ visibilityProperty: true })) continue;
    if (element.closest('noscript, :disabled, [aria-hidden]') !== null) continue;
    const { color, fontSize } = getComputedStyle(element);
    const ground = groundsOf(element);
    const [lighter = 0, darker = 0] = [luminance(ground), luminance([...ground, color])].sort((a, b) => b - a);
    const contrast = (lighter + 0.05) / (darker + 0.05);
    if (contrast < (parseFloat(fontSize) >= 24 ? 3 : 4.5)) pale.push(`is pale (${contrast.toFixed(1)}): ${text}`);
  }
  return pale;
}
