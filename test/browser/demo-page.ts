import type { BrowserContext, Locator, Page } from 'playwright-core';

export interface ScriptRequest {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** The demo's page in a tab, as its user sees and works it. */
export class DemoPage {
  readonly page: Page;
  readonly origin: string;
  /** Every main-frame request so far, redirects included, in order. */
  readonly hops: URL[] = [];
  /** Errors that the page's scripts did not handle: always empty. */
  readonly errors: string[] = [];

  constructor(page: Page, origin: string) {
    this.page = page;
    this.origin = origin;
    page.on('pageerror', ({ message }) => this.errors.push(message));
    page.on('request', (request) => {
      if (request.isNavigationRequest() && request.frame() === page.mainFrame()) this.hops.push(new URL(request.url()));
    });
  }

  static async open(context: BrowserContext, origin: string, path = '/'): Promise<DemoPage> {
    const tab = new DemoPage(await context.newPage(), origin);
    await tab.page.goto(origin + path);
    return tab;
  }

  /** The paths of the hops at Cloakroom. */
  get ownHops(): readonly string[] {
    return this.hops.filter(({ origin }) => origin === this.origin).map(({ pathname }) => pathname);
  }

  get path(): string {
    const { pathname, search } = new URL(this.page.url());
    return pathname + search;
  }

  button(name: string): Locator {
    return this.page.getByRole('button', { name });
  }

  /** From the page's link over the provider's page, and back until the page greets. */
  async signIn(user = 'Alice'): Promise<void> {
    await this.toProvider();
    await this.pick(user);
    await this.signedIn();
  }

  /** Up to the provider's list of users. */
  async toProvider(): Promise<void> {
    await this.page.getByRole('link', { name: 'Sign in' }).click();
    await this.button('Alice').waitFor();
  }

  /** Chooses a user at the provider; what comes then is the caller's to await. */
  async pick(user: string): Promise<void> {
    await this.button(user).click();
  }

  signedIn(): Promise<void> {
    return this.button('Sign out').waitFor();
  }

  signedOut(): Promise<void> {
    return this.page.getByRole('link', { name: 'Sign in' }).waitFor();
  }

  /** "Call the API": the table's rows, or the one line that says why not. */
  async callApi(): Promise<readonly string[]> {
    await this.button('Call the API').click();
    const status = this.page.locator('#call-status');
    await status.locator('tbody, div > p, p').first().waitFor();
    const rows = await status.locator('tbody tr').allInnerTexts();
    return rows.length > 0 ? rows.map((row) => row.replaceAll(/\s+/g, ' ')) : status.locator('p').allInnerTexts();
  }

  /** "50 times at once": the two figures and the line below the cells. */
  async storm(): Promise<{ answers: string; refreshes: string; words: string }> {
    await this.page.locator('#storm:enabled').click();
    await this.page.locator('#storm-figures').waitFor();
    const text = (id: string): Promise<string> => this.page.locator(id).innerText();
    return { answers: await text('#storm-answers'), refreshes: await text('#storm-refreshes'), words: await text('#storm-status') };
  }

  /** "A live connection": opens it; what the API said of the handshake. */
  async openLive(): Promise<string> {
    await this.button('Open a connection').click();
    return this.page.locator('#live-messages li').first().innerText();
  }

  /** Sends a message over the live connection; what came back. */
  async say(text: string): Promise<string> {
    const messages = this.page.locator('#live-messages li');
    const before = await messages.count();
    await this.page.getByRole('textbox', { name: 'Message' }).fill(text);
    await this.button('Send').click();
    return messages.nth(before + 1).innerText();
  }

  /** The line below the live connection, once it has this in it. */
  async liveStatus(part: string): Promise<string> {
    const line = this.page.locator('#live-status', { hasText: part });
    await line.waitFor();
    return line.innerText();
  }

  /** Same-origin fetch by a script of the page. */
  fetchStatus(path: string, init: ScriptRequest = {}): Promise<string> {
    return this.page.evaluate(
      async ([url, options]) => {
        const response = await fetch(url, options);
        return `${String(response.status)} ${response.headers.get('cloakroom-error') ?? ''}`.trim();
      },
      [path, init] as const,
    );
  }
}
