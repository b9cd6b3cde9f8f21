import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { InteractionResults, Provider } from 'oidc-provider';
import { DEMO_RESOURCE } from './configuration.ts';
import type { ResolvedOptions } from './options.ts';
import { errorPage, signInPage, writePage } from './pages.ts';
import { userByHint, type DemoUser } from './users.ts';

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>;

/** The provider's own pages between the authorization request and its answer: one click on a user, no password, no second question. */
export class SignIn {
  readonly #provider: Provider;
  readonly #options: ResolvedOptions;

  constructor(provider: Provider, options: ResolvedOptions) {
    this.#provider = provider;
    this.#options = options;
  }

  async handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    try {
      const interaction = await this.#provider.interactionDetails(req, res);
      if (req.method === 'POST') await this.#picked(req, res, interaction);
      else await this.#asked(req, res, interaction);
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'SessionNotFound') throw error;
      writePage(res, 400, errorPage('expired', 'This sign-in is over. Start again from the application.'));
    }
  }

  /** Consent is given without asking: somebody who is signed in already goes straight through. */
  async #asked(req: IncomingMessage, res: ServerResponse, interaction: Interaction): Promise<void> {
    const accountId = interaction.session?.accountId;
    if (interaction.prompt.name === 'consent' && accountId !== undefined) {
      await this.#provider.interactionFinished(req, res, await this.#consent(interaction, accountId));
      return;
    }
    writePage(res, 200, signInPage(this.#options.users, userByHint(this.#options.users, interaction.params['login_hint'])));
  }

  async #picked(req: IncomingMessage, res: ServerResponse, interaction: Interaction): Promise<void> {
    const picked = new URLSearchParams(await text(req)).get('user');
    const user = this.#options.users.find(({ id }) => id === picked);
    if (user === undefined) {
      writePage(res, 400, signInPage(this.#options.users, undefined));
    } else if (user.refusesConsent === true) {
      const result = { error: 'access_denied', error_description: 'The user refused consent' };
      await this.#provider.interactionFinished(req, res, result, { mergeWithLastSubmission: false });
    } else {
      const result = { login: { accountId: user.id }, select_account: {}, ...(await this.#consent(interaction, user.id)) };
      const location = await this.#provider.interactionResult(req, res, result);
      await this.#replaceUser(interaction, user);
      res.writeHead(303, { location, 'content-length': 0 }).end();
    }
  }

  async #consent(interaction: Interaction, accountId: string): Promise<InteractionResults> {
    const grant = new this.#provider.Grant({ accountId, clientId: this.#options.clientId });
    grant.addOIDCScope(String(interaction.params['scope']));
    if (this.#options.accessTokenFormat === 'jwt') {
      const asked = [interaction.params['resource'] ?? []].flat().map(String);
      for (const indicator of [DEMO_RESOURCE.indicator, ...asked]) grant.addResourceScope(indicator, DEMO_RESOURCE.scope);
    }
    return { consent: { grantId: await grant.save() } };
  }

  /** Without this oidc-provider would first sign the other user out through a page that needs JavaScript. */
  async #replaceUser(interaction: Interaction, user: DemoUser): Promise<void> {
    const previous = interaction.session;
    if (previous === undefined || previous.accountId === user.id) return;
    const session = await this.#provider.Session.findByUid(previous.uid);
    if (session === undefined) return;
    session.accountId = user.id;
    session.authorizations = {};
    await session.persist();
  }
}
