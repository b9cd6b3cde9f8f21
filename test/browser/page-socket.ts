import type { JSHandle, Page } from 'playwright-core';

/** How a WebSocket ended, as the page's script saw it. */
export interface PageClose {
  readonly opened: boolean;
  readonly code: number;
  readonly reason: string;
}

/** What the page holds. */
interface Live {
  readonly socket: WebSocket;
  readonly messages: readonly string[];
  readonly closed: Promise<PageClose>;
}

/** A WebSocket of a page's own script. */
export class PageSocket {
  readonly #page: Page;
  readonly #live: JSHandle<Live>;

  private constructor(page: Page, live: JSHandle<Live>) {
    this.#page = page;
    this.#live = live;
  }

  /** Begins one; whether it opens shows later. */
  static async begin(page: Page, url: string, protocols: readonly string[] = []): Promise<PageSocket> {
    const live = await page.evaluateHandle(
      ([address, names]): Live => {
        const socket = new WebSocket(address, [...names]);
        const messages: string[] = [];
        let opened = false;
        const closed = new Promise<PageClose>((resolve) =>
          socket.addEventListener('close', ({ code, reason }) => resolve({ opened, code, reason })),
        );
        socket.addEventListener('open', () => (opened = true));
        socket.addEventListener('message', ({ data }: MessageEvent<string>) => messages.push(data));
        return { socket, messages, closed };
      },
      [url, protocols] as const,
    );
    return new PageSocket(page, live);
  }

  /** The API's first message: what the handshake brought it. */
  async greeting(): Promise<Record<string, unknown>> {
    return JSON.parse(await this.#message(0)) as Record<string, unknown>;
  }

  /** Sends a message; the one that came back. */
  async ask(text: string): Promise<string> {
    const count = await this.#live.evaluate(({ socket, messages }, words) => {
      socket.send(words);
      return messages.length;
    }, text);
    return this.#message(count);
  }

  /** Resolves when it has ended, or did not open. */
  closed(): Promise<PageClose> {
    return this.#live.evaluate(({ closed }) => closed);
  }

  protocol(): Promise<string> {
    return this.#live.evaluate(({ socket }) => socket.protocol);
  }

  async #message(at: number): Promise<string> {
    const handle = await this.#page.waitForFunction(({ live, index }) => live.messages[index], { live: this.#live, index: at });
    return String(await handle.jsonValue());
  }
}
